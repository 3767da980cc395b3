/** Amounts are token base units in a bigint, or in text as the API and the contract's events have them. */

export const TOKEN = 10n ** 18n
const DIGITS = 18
const HOUR_MS = 3_600_000n

/** An amount in tokens, rounded down to so many decimals, without zeros at the end. */
export function tokens(amount: bigint | string, decimals = 6): string {
  const value = BigInt(amount)
  const sign = value < 0n ? "-" : ""
  const size = value < 0n ? -value : value
  const whole = (size / TOKEN).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f")
  const part = (size % TOKEN).toString().padStart(DIGITS, "0").slice(0, decimals).replace(/0+$/, "")
  if (size > 0n && size / TOKEN === 0n && part === "") return `${sign}< 0.${"0".repeat(decimals - 1)}1`
  return sign + whole + (part ? `.${part}` : "")
}

/** The same, rounded up: what somebody may have to pay is never said to be less. */
export function atMost(amount: bigint | string, decimals = 6): string {
  const step = 10n ** BigInt(DIGITS - decimals)
  return tokens(((BigInt(amount) + step - 1n) / step) * step, decimals)
}

/** An amount exactly, for a file. */
export function exact(amount: bigint | string): string {
  const value = BigInt(amount)
  const size = value < 0n ? -value : value
  const part = (size % TOKEN).toString().padStart(DIGITS, "0").replace(/0+$/, "")
  return `${value < 0n ? "-" : ""}${size / TOKEN}${part ? `.${part}` : ""}`
}

/** What somebody typed, as base units; null when it is no amount. */
export function parseTokens(text: string): bigint | null {
  const match = /^(\d{1,12})(?:\.(\d{0,18}))?$/.exec(text.trim())
  if (match === null) return null
  return BigInt(match[1] ?? "0") * TOKEN + BigInt((match[2] ?? "").padEnd(DIGITS, "0"))
}

export interface Rates {
  cpu_ms: string
  memory_mib_s: string
  egress_kib: string
  wall_s: string
}

/** A rate card as a provider thinks of it: an hour of a core, an hour of a GiB, a GiB sent, an hour in itself. */
export interface Prices {
  cpuHour: bigint
  memoryGibHour: bigint
  egressGib: bigint
  hour: bigint
}

export function pricesOf(rates: Rates): Prices {
  return {
    cpuHour: BigInt(rates.cpu_ms) * HOUR_MS,
    memoryGibHour: BigInt(rates.memory_mib_s) * 1024n * 3600n,
    egressGib: BigInt(rates.egress_kib) * 1024n * 1024n,
    hour: BigInt(rates.wall_s) * 3600n,
  }
}

/**
 * The other way round. A rate is a whole number of base units, rounded down as a manifest's limits are (`chain.prices`):
 * rounded up, a price of exactly what a job pays at most would be above it.
 */
export function ratesOf(prices: Prices): Rates {
  return {
    cpu_ms: (prices.cpuHour / HOUR_MS).toString(),
    memory_mib_s: (prices.memoryGibHour / (1024n * 3600n)).toString(),
    egress_kib: (prices.egressGib / (1024n * 1024n)).toString(),
    wall_s: (prices.hour / 3600n).toString(),
  }
}

/** A price to the nearest ninth decimal: what was typed before it was rounded down to a rate. */
export function nearest(price: bigint): bigint {
  const step = 10n ** 9n
  return price < 100n * step ? price : ((price + step / 2n) / step) * step
}

export interface Resources {
  cpu_millis: number
  memory_mib: number
  egress_kib_s: number
}

/** The most that so many seconds can cost: everything reserved is used. As `chain.job.max_cost`. */
export function maxCost(resources: Resources, rates: Rates, seconds: number): bigint {
  const span = BigInt(seconds)
  return (
    BigInt(resources.cpu_millis) * span * BigInt(rates.cpu_ms) +
    BigInt(resources.memory_mib) * span * BigInt(rates.memory_mib_s) +
    BigInt(resources.egress_kib_s) * span * BigInt(rates.egress_kib) +
    span * BigInt(rates.wall_s)
  )
}
