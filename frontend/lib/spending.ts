import type { Spent } from "@/lib/api"
import { csvOf } from "@/lib/csv"
import { trimmed } from "@/lib/format"
import { exact, TOKEN, tokens } from "@/lib/money"

/** What one report added, read of many; see GET /v1/spending. Times are Unix seconds. */

export const MEASURES = ["money", "cpu", "memory", "egress", "wall"] as const
export type Measure = (typeof MEASURES)[number]

export const RANGES = [1, 7, 30, 90] as const
export type Days = (typeof RANGES)[number]

const HOUR_S = 3600
const DAY_S = 24 * HOUR_S
const OTHERS_FROM = 9 // so many are shown by name, the rest as one

/** A bar: what it stands for, and how much, in the measure's smallest unit. */
export interface Bar {
  key: string
  name: string
  amount: bigint
}

/** So much of a measure in a report: base units, ms of a core, MiB-seconds, KiB, seconds. */
export function amountOf(spent: Spent, measure: Measure): bigint {
  switch (measure) {
    case "money":
      return BigInt(spent.earned)
    case "cpu":
      return BigInt(spent.usage.cpu_ms)
    case "memory":
      return BigInt(spent.usage.memory_mib_s)
    case "egress":
      return BigInt(spent.usage.egress_kib)
    case "wall":
      return BigInt(spent.usage.wall_s)
  }
}

/** The smallest units in one of those that are shown: tokens, core-hours, GiB-hours, MiB, hours. */
const SHOWN: Record<Measure, bigint> = {
  money: TOKEN,
  cpu: 3_600_000n,
  memory: 1024n * 3600n,
  egress: 1024n,
  wall: 3600n,
}

/** As it is drawn: no more exact than a bar is. */
export function drawn(amount: bigint, measure: Measure): number {
  return Number(amount) / Number(SHOWN[measure])
}

/** As it is told. */
export function told(amount: bigint, measure: Measure): string {
  if (measure === "money") return tokens(amount)
  const value = drawn(amount, measure)
  return value > 0 && value < 0.0001 ? "< 0.0001" : trimmed(value, 4)
}

export function totalOf(all: readonly Spent[], measure: Measure): bigint {
  return all.reduce((sum, one) => sum + amountOf(one, measure), 0n)
}

/** Beginning of the hour or day of a moment, by this browser's clock; in milliseconds. */
function stepOf(at: number, days: Days): number {
  const when = new Date(at * 1000)
  if (days === 1) when.setMinutes(0, 0, 0)
  else when.setHours(0, 0, 0, 0)
  return when.getTime()
}

/** The first second of a range that ends now: whole hours of a day, whole days of more. */
export function sinceOf(now: number, days: Days): number {
  const first = days === 1 ? now - 23 * HOUR_S : now - (days - 1) * DAY_S
  return Math.floor(stepOf(first, days) / 1000)
}

const HOUR_NAME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" })
const DAY_NAME = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" })

/** One bar for each hour of a day, or for each day of more; the empty ones too. */
export function overTime(all: readonly Spent[], measure: Measure, days: Days, now: number): Bar[] {
  const sums = new Map<number, bigint>()
  for (let at = sinceOf(now, days); at <= now; at += HOUR_S) sums.set(stepOf(at, days), 0n) // days have 23 hours, too
  for (const one of all) {
    const step = stepOf(one.at, days)
    const sum = sums.get(step)
    if (sum !== undefined) sums.set(step, sum + amountOf(one, measure))
  }
  const name = days === 1 ? HOUR_NAME : DAY_NAME
  return [...sums].map(([step, amount]) => ({ key: String(step), name: name.format(step), amount }))
}

/** One bar for each deployment or party, the largest first; the small ones together, when there are many. */
export function byKey(
  all: readonly Spent[],
  measure: Measure,
  keyOf: (one: Spent) => string,
  nameOf: (one: Spent) => string,
  others: (count: number) => string,
): Bar[] {
  const bars = new Map<string, Bar>()
  for (const one of all) {
    const key = keyOf(one)
    const bar = bars.get(key) ?? { key, name: nameOf(one), amount: 0n }
    bars.set(key, { ...bar, amount: bar.amount + amountOf(one, measure) })
  }
  const sorted = [...bars.values()].filter((bar) => bar.amount > 0n).sort((a, b) => (a.amount < b.amount ? 1 : -1))
  if (sorted.length <= OTHERS_FROM + 1) return sorted
  const rest = sorted.slice(OTHERS_FROM)
  const amount = rest.reduce((sum, bar) => sum + bar.amount, 0n)
  return [...sorted.slice(0, OTHERS_FROM), { key: "", name: others(rest.length), amount }]
}

/** How long a bar is beside the longest of them: 0 to 1. */
export function shareOfLargest(bar: Bar, bars: readonly Bar[]): number {
  const most = bars.reduce((largest, one) => (one.amount > largest ? one.amount : largest), 0n)
  return most === 0n ? 0 : Number(bar.amount) / Number(most)
}

/** Every report as a line of a file, amounts exact. */
export function spendingCsv(all: readonly Spent[]): string {
  const header = [
    "time",
    "job",
    "name",
    "run",
    "consumer",
    "provider",
    "tokens",
    "cpu_ms",
    "memory_mib_s",
    "egress_kib",
    "wall_s",
    "block",
    "transaction",
  ]
  const rows = all.map((one) => [
    new Date(one.at * 1000).toISOString(),
    one.job_id,
    one.name,
    String(one.attempt),
    one.consumer,
    one.provider,
    exact(one.earned),
    String(one.usage.cpu_ms),
    String(one.usage.memory_mib_s),
    String(one.usage.egress_kib),
    String(one.usage.wall_s),
    String(one.block),
    one.tx_hash,
  ])
  return csvOf(header, rows)
}

/** What is known and what came since, newest first, nothing twice. */
export function joined(known: readonly Spent[], fresh: readonly Spent[]): Spent[] {
  const idOf = (one: Spent) => `${one.tx_hash}/${one.job_id}/${one.attempt}`
  const seen = new Set(fresh.map(idOf))
  return [...fresh, ...known.filter((one) => !seen.has(idOf(one)))]
}
