import { decodeEventLog, decodeFunctionData, isAddressEqual, type Abi, type Address, type Hex, type Log } from "viem"

import { visible } from "@/lib/printable"
import { courtAbi, escrowAbi, tokenAbi } from "@/generated/contracts"

export interface Places {
  escrow: Address
  token: Address
  court: Address
}

/** A call or an event, with its arguments as text. */
export interface Told {
  contract: string
  name: string
  args: { name: string; value: string }[]
}

/** What a log of ours says; null for one of another contract, or of another version of ours. */
export function eventOf(log: Pick<Log, "address" | "data" | "topics">, places: Places): Told | null {
  const known = contractAt(log.address, places)
  if (!known) return null
  try {
    const { eventName, args } = decodeEventLog({ abi: known.abi, data: log.data, topics: log.topics })
    return { contract: known.name, name: eventName ?? "", args: argsOf(args) }
  } catch {
    return null
  }
}

/** What a transaction calls; null when it is none of our contracts'. */
export function callOf(to: Address | null, input: Hex, places: Places): Told | null {
  const known = to && contractAt(to, places)
  if (!known) return null
  try {
    const { functionName, args } = decodeFunctionData({ abi: known.abi, data: input })
    const entry = known.abi.find((one) => one.type === "function" && one.name === functionName)
    const names = entry?.type === "function" ? entry.inputs.map((input) => input.name ?? "") : []
    const named = Object.fromEntries((args ?? []).map((value, at) => [names[at] || String(at), value]))
    return { contract: known.name, name: functionName, args: argsOf(named) }
  } catch {
    return null
  }
}

function contractAt(address: Address, places: Places): { name: string; abi: Abi } | null {
  if (isAddressEqual(address, places.escrow)) return { name: "DRaaSEscrow", abi: escrowAbi as Abi }
  if (isAddressEqual(address, places.court)) return { name: "DRaaSCourt", abi: courtAbi as Abi }
  if (isAddressEqual(address, places.token)) return { name: "ResourceToken", abi: tokenAbi as Abi }
  return null
}

function argsOf(args: unknown): Told["args"] {
  if (typeof args !== "object" || args === null) return []
  return Object.entries(args).map(([name, value]) => ({ name, value: visible(textOf(value)) }))
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value)
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner))
}
