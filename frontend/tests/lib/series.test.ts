import { describe, expect, it } from "vitest"

import { Series, type UsagePoint } from "@/lib/series"

function point(second: number, more: Partial<UsagePoint> = {}): UsagePoint {
  const wall_ms = second * 1000
  return {
    attempt: 1,
    at_ms: 1_000_000 + wall_ms,
    cpu_ms: second * 500,
    memory_mib_s: second * 64,
    memory_mib: 64,
    egress_kib: second * 3,
    wall_ms,
    earned: String(second * 10),
    ...more,
  }
}

describe("what a deployment uses", () => {
  it("is rates between one moment and the next", () => {
    const series = new Series()
    for (const second of [1, 2, 4]) series.add(point(second))
    const last = series.moments().at(-1)
    expect(last).toEqual({ at_ms: 1_004_000, cores: 0.5, memory: 64, network: 3, money: 40n })
  })

  it("has a gap between two runs, and money that adds up over both", () => {
    const series = new Series()
    series.add(point(10))
    series.add(point(1, { attempt: 2, at_ms: 1_020_000 }))
    const [, gap, second] = series.moments()
    expect(gap).toMatchObject({ cores: null, memory: null, network: null, money: 100n })
    expect(second).toMatchObject({ cores: 0.5, money: 110n })
  })

  it("takes no moment twice, and none that comes late", () => {
    const series = new Series()
    for (const second of [1, 2, 2, 1, 3]) series.add(point(second))
    series.add(point(9, { attempt: 0 }))
    expect(series.length).toBe(3)
  })

  it("hears what came of the newest, also when the run is over", () => {
    const series = new Series()
    for (const second of [1, 2]) series.add(point(second))
    series.add(point(2, { earned: "23" }))
    series.add(point(1, { earned: "99" }))
    expect(series.moments().map(({ money }) => money)).toEqual([10n, 23n])
  })

  it("goes on when another clock, which is behind, tells of it", () => {
    const series = new Series()
    series.add(point(1, { at_ms: 9_000_000 })) // as a scheduler's rows have it
    for (const second of [2, 4]) series.add(point(second))
    series.add(point(1, { attempt: 2 })) // by another agent's clock
    const moments = series.moments()
    expect(moments.map((one) => one.at_ms)).toEqual([9_000_000, 9_001_000, 9_003_000, 9_003_001, 9_003_002])
    expect(moments[2]).toMatchObject({ cores: 0.5, network: 3, money: 40n })
  })

  it("of a day keeps to its limit, the newest by the second, with the totals whole", () => {
    const series = new Series(1000)
    for (let second = 1; second <= 86_400; second++) series.add(point(second))
    expect(series.length).toBeLessThanOrEqual(1000)
    const moments = series.moments()
    expect(moments.at(-1)?.money).toBe(864_000n)
    expect((moments.at(-1)?.at_ms ?? 0) - (moments.at(-2)?.at_ms ?? 0)).toBe(1000)
    expect(moments.every((one) => one.cores !== null && Math.abs(one.cores - 0.5) < 1e-9)).toBe(true)
  })
})
