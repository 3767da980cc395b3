import { describe, expect, it } from "vitest"

import { ago, cpus, duration, kib, mib, short, size } from "@/lib/format"

describe("figures", () => {
  it.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min 0 s"],
    [3599, "59 min 59 s"],
    [3600, "1 h 0 min"],
    [90_000, "1 d 1 h"],
    [-5, "0 s"],
  ])("%d seconds are %s", (seconds, shown) => expect(duration(seconds)).toBe(shown))

  it("have the unit that suits them", () => {
    expect([mib(512), mib(1536), kib(1023), kib(1024), kib(3 * 1024 * 1024)]).toEqual([
      "512 MiB", "1.5 GiB", "1023 KiB", "1 MiB", "3 GiB",
    ]) // prettier-ignore
    expect([size(0), size(1023), size(1025), cpus(1500), cpus(10)]).toEqual(["0 B", "1023 B", "2 KiB", "1.5", "0.01"])
  })

  it("of a moment that a clock puts in the future are of just now", () => {
    expect(ago(10_000, 5_000)).toBe("just now")
    expect(ago(0, 61_000)).toBe("1 min 1 s ago")
  })

  it("leave a short name whole and shorten an address", () => {
    expect(short("short")).toBe("short")
    expect(short("0x98A3d58fa28cdd9489B6946E250238276b05B7BB")).toBe("0x98A3d5…B7BB")
  })
})
