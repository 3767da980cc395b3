import { InfiniteQueryObserver, QueryClient, QueryObserver } from "@tanstack/react-query"
import { describe, expect, it, vi } from "vitest"

import { Again, AskAgain } from "@/lib/again"

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

describe("a page's questions", () => {
  const meta = { follows: "head" as const }

  it("are asked again after an answer that was under way when there was news, also the first one", async () => {
    const queries = new QueryClient()
    const answers: ((answer: string) => void)[] = []
    const queryFn = () => new Promise<string>((resolve) => answers.push(resolve))
    const seen = new QueryObserver(queries, { queryKey: ["x"], queryFn, meta })
    const stop = seen.subscribe(() => undefined)
    const again = new AskAgain(queries)
    again.about((one) => one.follows === "head")
    again.about((one) => one.follows === "agents")
    expect(answers).toHaveLength(1)
    answers[0]?.("old")
    await vi.waitFor(() => expect(answers).toHaveLength(2))
    answers[1]?.("new")
    await vi.waitFor(() => expect(seen.getCurrentResult().data).toBe("new"))
    stop()
  })

  it("leave alone a further page that somebody has asked for", async () => {
    const queries = new QueryClient()
    const ends: (() => void)[] = []
    const seen = new InfiniteQueryObserver(queries, {
      queryKey: ["pages"],
      queryFn: ({ pageParam }) => new Promise<number>((resolve) => ends.push(() => resolve(pageParam))),
      initialPageParam: 0,
      getNextPageParam: (last: number) => last + 1,
      meta,
    })
    const stop = seen.subscribe(() => undefined)
    const end = (count: number) =>
      vi.waitFor(() => {
        expect(ends).toHaveLength(count)
        ends.at(-1)?.()
      })
    await end(1)
    await vi.waitFor(() => expect(seen.getCurrentResult().hasNextPage).toBe(true))
    void seen.fetchNextPage()
    new AskAgain(queries).about(() => true)
    await end(2)
    await vi.waitFor(() => expect(seen.getCurrentResult().data?.pages).toEqual([0, 1]))
    await end(3)
    await end(4)
    await vi.waitFor(() => expect(seen.getCurrentResult().isFetching).toBe(false))
    expect(seen.getCurrentResult().data?.pages).toEqual([0, 1])
    stop()
  })

  it("are not asked again once their answer is final", async () => {
    const queries = new QueryClient()
    let asked = 0
    const isFinal = (data: unknown) => data === 2
    const seen = new QueryObserver(queries, {
      queryKey: ["y"],
      queryFn: () => Promise.resolve(++asked),
      meta: { ...meta, isFinal },
    })
    const stop = seen.subscribe(() => undefined)
    const again = new AskAgain(queries)
    await vi.waitFor(() => expect(seen.getCurrentResult().data).toBe(1))
    again.about(() => true)
    await vi.waitFor(() => expect(seen.getCurrentResult().data).toBe(2))
    again.about(() => true)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(asked).toBe(2)
    stop()
  })
})
