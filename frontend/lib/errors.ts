import {
  BaseError,
  ContractFunctionRevertedError,
  decodeErrorResult,
  isHex,
  size,
  UserRejectedRequestError,
  type Abi,
  type Hex,
} from "viem"

import { ApiError } from "@/lib/api"
import { courtAbi, escrowAbi, tokenAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** What went wrong, for the person who sees it. Codes are those of EIP-1193 and EIP-3326. */
export function words(error: unknown): string {
  if (error instanceof ApiError) return error.message
  const code = codeOf(error)
  if (code === 4001 || isRejection(error)) return t.wallet.rejected
  if (code === -32002) return t.wallet.pending
  if (code === 4902) return t.wallet.unknownChain
  const reverted = revertOf(error)
  if (reverted) return reverted
  if (error instanceof BaseError) return error.shortMessage
  return error instanceof Error ? error.message : String(error)
}

/** Whether the person said no: nothing is broken, and the same may be asked again. */
export function isRejection(error: unknown): boolean {
  if (codeOf(error) === 4001) return true
  return error instanceof BaseError && error.walk((one) => one instanceof UserRejectedRequestError) !== null
}

/** The contract's own error by name, with what it means. */
function revertOf(error: unknown): string | null {
  const name = errorNameOf(error)
  if (name === null) return null
  return name === "" ? t.contract.unknown : refusalOf(name)
}

/** What a contract's error means, by its name. */
export function refusalOf(name: string): string {
  const meaning = (t.contract.errors as Readonly<Record<string, string>>)[name]
  return meaning ? `${meaning} (${name})` : `${t.contract.refused} ${name}.`
}

/** The name of the error that a contract refused with; "" when it gave none, null when no contract refused. */
export function errorNameOf(error: unknown): string | null {
  if (!(error instanceof BaseError)) return null
  const found = error.walk((one) => one instanceof ContractFunctionRevertedError)
  const name = found instanceof ContractFunctionRevertedError ? (found.data?.errorName ?? found.reason) : undefined
  if (name) return name
  const raw = rawRevertOf(error)
  if (raw) return nameOf(raw)
  return found ? "" : null
}

/** What a contract returned, where viem does not look for it: nodes and wallets hand it on each in its own way. */
export function rawRevertOf(error: unknown): Hex | null {
  for (let one: unknown = error; typeof one === "object" && one !== null; one = (one as { cause?: unknown }).cause) {
    const { data } = one as { data?: unknown }
    const inner = typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {}
    const found = [data, inner["data"], inner["result"]].find((value) => isHex(value) && size(value) >= 4)
    if (found) return found as Hex
  }
  return null
}

function nameOf(raw: Hex): string {
  for (const abi of [escrowAbi, courtAbi, tokenAbi]) {
    try {
      return decodeErrorResult({ abi: abi as Abi, data: raw }).errorName
    } catch {
      continue // another contract's
    }
  }
  return ""
}

function codeOf(error: unknown): number | null {
  for (let one: unknown = error; typeof one === "object" && one !== null; one = (one as { cause?: unknown }).cause) {
    const code = (one as { code?: unknown }).code
    if (typeof code === "number") return code
  }
  return null
}
