import { formatEther, maxUint256, toFunctionSelector } from "viem"

import { percent, shareOf, WHOLE } from "@/lib/court"
import { refusalOf } from "@/lib/errors"
import { at, cpus, duration, kib, mib, spaced, trimmed } from "@/lib/format"
import { nearest, pricesOf, tokens } from "@/lib/money"
import { visible } from "@/lib/printable"
import { told } from "@/lib/spending"
import type { Kind } from "@/lib/tx-kinds"
import { courtAbi, courtPhases, escrowAbi, jobStates, tokenAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

const LAST_MOMENT = 8_640_000_000_000n // of a Date, in seconds
const HUNDREDTH_GIB_HOUR = 36_864n // in MiB-seconds
const BASE_DECIMALS = 18
const PRICE_DECIMALS = 9

/** An argument's value for people; null when it is to be told as it is. */
export function wordsOf(kind: Kind, value: unknown): string | null {
  if (kind === "text" && typeof value === "string") return visible(value)
  if (kind === "selector") return errorBy(value)
  if (typeof value !== "bigint" && typeof value !== "number") return null
  return ofNumber(kind, BigInt(value))
}

function ofNumber(kind: Kind, value: bigint): string | null {
  const small = Number(value)
  switch (kind) {
    case "tokens":
      return value === maxUint256 ? t.tx.unlimited : amount(value)
    case "number":
      return value.toString()
    case "ether":
      return `${formatEther(value)} ETH`
    case "moment":
      if (value === 0n) return t.common.none
      return value > LAST_MOMENT ? null : at(small * 1000)
    case "seconds":
      return duration(small)
    case "share":
      return small > WHOLE ? null : t.juror.gives(percent(small))
    case "ruling":
      return small > WHOLE + 1 ? null : rulingWords(shareOf(small))
    case "units":
      return t.tx.units(value.toLocaleString("en-GB"))
    case "jobState":
      return jobStates[small] ?? null
    case "phase":
      return courtPhases[small] ?? null
    default:
      return ofMachine(kind, value, small)
  }
}

/** What a machine has, was used of it, and what that costs. */
function ofMachine(kind: Kind, value: bigint, small: number): string | null {
  switch (kind) {
    case "cpus":
      return t.tx.cpus(cpus(small))
    case "mib":
      return mib(small)
    case "kibEachSecond":
      return value === 0n ? t.common.none : t.tx.eachSecond(kib(small))
    case "cpuMs":
      return small < 60_000 ? `${trimmed(small / 1000, 3)} s` : duration(small / 1000)
    case "mibSeconds":
      return value < HUNDREDTH_GIB_HOUR
        ? t.tx.mibSeconds(value.toString())
        : `${told(value, "memory")} ${t.usage.units.memory}`
    case "kib":
      return kib(small)
    case "perCpuMs":
      return price(pricesOf({ ...FREE, cpu_ms: value.toString() }).cpuHour, t.market.columns.price)
    case "perMibSecond":
      return price(pricesOf({ ...FREE, memory_mib_s: value.toString() }).memoryGibHour, t.market.columns.memoryPrice)
    case "perKib":
      return price(pricesOf({ ...FREE, egress_kib: value.toString() }).egressGib, t.market.columns.egressPrice)
    case "perSecond":
      return price(pricesOf({ ...FREE, wall_s: value.toString() }).hour, t.market.columns.hourPrice)
    default:
      return null
  }
}

const FREE = { cpu_ms: "0", memory_mib_s: "0", egress_kib: "0", wall_s: "0" }

function amount(value: bigint): string {
  return `${tokens(value, BASE_DECIMALS)} ${t.common.tokens}`
}

function price(each: bigint, per: string): string {
  return `${tokens(nearest(each), PRICE_DECIMALS)} ${t.common.tokens} ${per.charAt(0).toLowerCase()}${per.slice(1)}`
}

function rulingWords(share: number | null): string {
  return share === null ? t.juror.refusedToRule : t.juror.gives(percent(share))
}

/** The error of ours that has this selector, with what it means. */
function errorBy(selector: unknown): string | null {
  for (const abi of [escrowAbi, courtAbi, tokenAbi]) {
    for (const one of abi) {
      if (one.type !== "error") continue
      const signed = { ...one, type: "function", outputs: [], stateMutability: "pure" } as const
      if (toFunctionSelector(signed) === selector) return refusalOf(one.name)
    }
  }
  return null
}

/** An argument's name for people. */
export function labelOf(name: string, within: string): string {
  const names = t.tx.names as Readonly<Record<string, string>>
  return names[`${within}.${name}`] ?? names[name] ?? spaced(name)
}
