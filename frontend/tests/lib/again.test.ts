import { describe, expect, it, vi } from "vitest"

import { Again } from "@/lib/again"

describe("what is done again", () => {
  it("is done once for all who asked while it was under way, after it has ended", async () => {
    const ends: (() => void)[] = []
    const again = new Again(() => new Promise<void>((resolve) => ends.push(resolve)))
    again.ask()
    again.ask()
    again.ask()
    expect(ends).toHaveLength(1)
    ends[0]?.()
    await vi.waitFor(() => expect(ends).toHaveLength(2))
    ends[1]?.()
    await new Promise((resolve) => setTimeout(resolve))
    expect(ends).toHaveLength(2)
  })

  it("is done again after it has failed", async () => {
    let tries = 0
    const again = new Again(() => Promise.reject(new Error(`try ${++tries}`)))
    again.ask()
    await vi.waitFor(() => expect(tries).toBe(1))
    await new Promise((resolve) => setTimeout(resolve))
    again.ask()
    expect(tries).toBe(2)
  })

  it("leaves a gap in which whoever asks waits", async () => {
    vi.useFakeTimers()
    let times = 0
    const again = new Again(
      () => Promise.resolve(times++),
      () => 500,
    )
    again.ask()
    await vi.advanceTimersByTimeAsync(100)
    again.ask()
    again.ask()
    await vi.advanceTimersByTimeAsync(300)
    expect(times).toBe(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(times).toBe(2)
    await vi.advanceTimersByTimeAsync(5000)
    expect(times).toBe(2)
    vi.useRealTimers()
  })
})
