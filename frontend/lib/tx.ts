import {
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionData,
  isAddressEqual,
  type Abi,
  type AbiParameter,
  type Address,
  type Hex,
  type Log,
} from "viem"

import { visible } from "@/lib/printable"
import { kindOf, type Kind } from "@/lib/tx-kinds"
import { courtAbi, escrowAbi, tokenAbi } from "@/generated/contracts"

export interface Places {
  escrow: Address
  token: Address
  court: Address
}

/** A call, an event or an error, with its arguments. */
export interface Told {
  contract: string
  name: string
  args: Arg[]
}

/** An argument; of a tuple or an array, what is inside. */
export interface Arg {
  name: string
  /** What it is in: the name of a call, event, error or struct. */
  within: string
  /** Its value as text, for who wants to have it exactly. */
  raw: string
  told: { kind: Kind; value: unknown } | { inside: Arg[] }
}

const ABIS: Readonly<Record<string, Abi>> = { DRaaSEscrow: escrowAbi, DRaaSCourt: courtAbi, ResourceToken: tokenAbi }

/** What a log of ours says; null for one of another contract, or of another version of ours. */
export function eventOf(log: Pick<Log, "address" | "data" | "topics">, places: Places): Told | null {
  return toldBy(contractAt(log.address, places), (abi) => {
    const { eventName = "", args } = decodeEventLog({ abi, data: log.data, topics: log.topics })
    return { type: "event", name: eventName, args }
  })
}

/** What a transaction calls; null when it is none of our contracts'. */
export function callOf(to: Address | null, input: Hex, places: Places): Told | null {
  return toldBy(to && contractAt(to, places), (abi) => {
    const { functionName, args } = decodeFunctionData({ abi, data: input })
    return { type: "function", name: functionName, args }
  })
}

/** What a contract of ours refused with, or one that it called; null when it is none of theirs. */
export function errorOf(data: Hex): Told | null {
  for (const contract of Object.keys(ABIS)) {
    const found = toldBy(contract, (abi) => {
      const { errorName, args } = decodeErrorResult({ abi, data })
      return { type: "error", name: errorName, args }
    })
    if (found) return found
  }
  return null
}

function contractAt(address: Address, places: Places): string | null {
  if (isAddressEqual(address, places.escrow)) return "DRaaSEscrow"
  if (isAddressEqual(address, places.court)) return "DRaaSCourt"
  return isAddressEqual(address, places.token) ? "ResourceToken" : null
}

interface Decoded {
  type: "event" | "function" | "error"
  name: string
  args: unknown
}

function toldBy(contract: string | null, decode: (abi: Abi) => Decoded): Told | null {
  const abi = contract !== null ? ABIS[contract] : undefined
  if (contract === null || !abi) return null
  try {
    const { type, name, args } = decode(abi)
    const entry = abi.find((one) => one.type === type && one.name === name)
    const inputs = entry && "inputs" in entry ? entry.inputs : []
    return { contract, name, args: argsOf(inputs, args ?? [], name) }
  } catch {
    return null
  }
}

/** Values are by name, or by place where a name is missing. */
function argsOf(parameters: readonly AbiParameter[], values: object, within: string): Arg[] {
  const named = values as Readonly<Record<string, unknown>>
  return parameters.map((one, at) => {
    const name = one.name || String(at)
    return argOf({ ...one, name }, Array.isArray(values) ? values[at] : named[name], within)
  })
}

function argOf(parameter: AbiParameter, value: unknown, within: string): Arg {
  const { name = "", type } = parameter
  const raw = visible(textOf(value))
  const told = (): Arg["told"] => {
    if (Array.isArray(value) && type.endsWith("]")) {
      const item = { ...parameter, type: type.replace(/\[\d*\]$/, "") }
      return { inside: value.map((one, at) => argOf({ ...item, name: String(at + 1) }, one, within)) }
    }
    if ("components" in parameter && typeof value === "object" && value !== null) {
      return { inside: argsOf(parameter.components, value, structOf(parameter)) }
    }
    return { kind: kindOf(parameter, within), value }
  }
  return { name, within, raw, told: told() }
}

function structOf({ internalType = "" }: AbiParameter): string {
  return /^struct (?:\w+\.)?(\w+)/.exec(internalType)?.[1] ?? ""
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value)
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner))
}
