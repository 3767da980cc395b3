import { exact, nearest, parseTokens, pricesOf, ratesOf, type Prices, type Rates } from "@/lib/money"

/** What a provider types into forms, and what the contract takes. */

export const MOST_UNITS = 2 ** 32 - 1
const MOST_RATE = 2n ** 64n - 1n

export type PriceName = keyof Prices
export const PRICE_NAMES: readonly PriceName[] = ["cpuHour", "memoryGibHour", "hour", "egressGib"]
export type PriceTexts = Record<PriceName, string>

/** What an agent asks that was told nothing else; as `chain.prices`. */
export const USUAL: PriceTexts = { cpuHour: "0.05", memoryGibHour: "0.01", hour: "0.01", egressGib: "0.02" }

/** Prices as they stand in a form. */
export function textsOf(rates: Rates): PriceTexts {
  const prices = pricesOf(rates)
  const text = (amount: bigint) => exact(nearest(amount))
  return {
    cpuHour: text(prices.cpuHour),
    memoryGibHour: text(prices.memoryGibHour),
    hour: text(prices.hour),
    egressGib: text(prices.egressGib),
  }
}

/** The prices that are no amounts, or larger than the contract can hold. */
export function faultyPrices(texts: PriceTexts): PriceName[] {
  const known = (name: PriceName) => parseTokens(texts[name])
  return PRICE_NAMES.filter((name) => {
    const price = known(name)
    if (price === null) return true
    const rates = ratesOf({ cpuHour: 0n, memoryGibHour: 0n, hour: 0n, egressGib: 0n, [name]: price })
    return Object.values(rates).some((rate: string) => BigInt(rate) > MOST_RATE)
  })
}

/** The rate card of a form without faults. */
export function ratesOfTexts(texts: PriceTexts): Rates {
  const price = (name: PriceName) => parseTokens(texts[name]) ?? 0n
  return ratesOf({
    cpuHour: price("cpuHour"),
    memoryGibHour: price("memoryGibHour"),
    hour: price("hour"),
    egressGib: price("egressGib"),
  })
}

/** A rate card as the contract takes it. */
export function cardOf(rates: Rates) {
  return {
    cpuMs: BigInt(rates.cpu_ms),
    memoryMibS: BigInt(rates.memory_mib_s),
    egressKib: BigInt(rates.egress_kib),
    wallS: BigInt(rates.wall_s),
  }
}

export function isSameRates(a: Rates, b: Rates): boolean {
  return (Object.keys(a) as (keyof Rates)[]).every((name) => BigInt(a[name]) === BigInt(b[name]))
}

/** Units of capacity of so many cores and MiB, as typed; null when that is no capacity. */
export function unitsOf(cores: string, memoryMib: string): number | null {
  const units = Math.round(Number(cores) * 1000) + Math.round(Number(memoryMib))
  const sound = [cores, memoryMib].every((text) => text.trim() !== "" && Number(text) >= 0)
  return sound && Number.isSafeInteger(units) && units > 0 && units <= MOST_UNITS ? units : null
}
