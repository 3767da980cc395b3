import { describe, expect, it } from "vitest"

import type { Spent } from "@/lib/api"
import { byKey, drawn, joined, overTime, shareOfLargest, sinceOf, spendingCsv, told, totalOf } from "@/lib/spending"

const NOON = Date.UTC(2026, 10, 26, 12, 0, 0) / 1000

function spent(at: number, earned: bigint, more: Partial<Spent> = {}): Spent {
  return {
    job_id: `0x${"ab".repeat(32)}`,
    name: "burn",
    attempt: 1,
    consumer: `0x${"11".repeat(20)}`,
    provider: `0x${"22".repeat(20)}`,
    at,
    block: 7,
    tx_hash: `0x${at.toString(16).padStart(64, "0")}`,
    earned: earned.toString(),
    usage: { cpu_ms: 3_600_000, memory_mib_s: 1024 * 3600, egress_kib: 1024, wall_s: 3600 },
    ...more,
  }
}

describe("spending over time", () => {
  it.each([1, 7, 30, 90] as const)("has a bar for each step of %i days and loses nothing in them", (days) => {
    const first = sinceOf(NOON, days)
    const all = [spent(first, 1n), spent(NOON - 1, 2n), spent(NOON, 4n)]
    const bars = overTime(all, "money", days, NOON)
    expect(bars).toHaveLength(days === 1 ? 24 : days)
    expect(bars.reduce((sum, bar) => sum + bar.amount, 0n)).toBe(7n)
    expect(bars[0]?.amount).toBe(1n)
  })

  it("keeps what is older than the range out of the bars", () => {
    const bars = overTime([spent(sinceOf(NOON, 7) - 1, 5n)], "money", 7, NOON)
    expect(bars.every((bar) => bar.amount === 0n)).toBe(true)
  })
})

describe("spending by name", () => {
  it("is drawn beside the largest, however large or small it is", () => {
    const bar = (amount: bigint) => ({ key: String(amount), name: "", amount })
    const most = 2n ** 72n - 1n
    const bars = [bar(most), bar(most / 2n), bar(1n)]
    const [all = 0, half = 0, least = 0] = bars.map((one) => shareOfLargest(one, bars))
    expect(all).toBe(1)
    expect(half).toBeCloseTo(0.5, 9)
    expect(least).toBeGreaterThan(0)
    expect(shareOfLargest(bar(0n), [bar(0n)])).toBe(0)
  })

  it("puts the largest first and the small ones together", () => {
    const all = Array.from({ length: 14 }, (_, index) => spent(NOON, BigInt(index + 1), { job_id: `job ${index}` }))
    const bars = byKey(
      all,
      "money",
      (one) => one.job_id,
      (one) => one.job_id,
      (count) => `${count} more`,
    )
    expect(bars[0]).toEqual({ key: "job 13", name: "job 13", amount: 14n })
    expect(bars.at(-1)).toEqual({ key: "", name: "5 more", amount: 15n })
    expect(bars.reduce((sum, bar) => sum + bar.amount, 0n)).toBe(totalOf(all, "money"))
  })
})

describe("measures", () => {
  it("are shown in units that people think in", () => {
    const all = [spent(NOON, 10n ** 18n)]
    const shown = (["money", "cpu", "memory", "egress", "wall"] as const).map((one) => drawn(totalOf(all, one), one))
    expect(shown).toEqual([1, 1, 1, 1, 1])
    expect(told(1n, "cpu")).toBe("< 0.0001")
    expect(told(0n, "cpu")).toBe("0")
  })
})

describe("what came since", () => {
  it("takes the place of what was known of the same report, and nothing is twice", () => {
    const [old, both, fresh] = [spent(1, 1n), spent(2, 2n), spent(3, 3n)]
    expect(joined([both, old], [fresh, both])).toEqual([fresh, both, old])
  })
})

describe("the file", () => {
  it("has every amount exactly and no formula of a stranger's", () => {
    const [header, line] = spendingCsv([spent(NOON, 1n, { name: "=cmd|' /C calc'!A0" })]).split("\r\n")
    expect(header?.split(",")).toHaveLength(13)
    expect(line).toContain(",'=cmd|' /C calc'!A0,")
    expect(line).toContain(",0.000000000000000001,")
  })
})
