import { encodeAbiParameters, getAddress, keccak256, type AbiParameter, type Address, type Hex } from "viem"

import type { Schemas } from "@/lib/api"
import { escrowAbi } from "@/generated/contracts"

export interface JobTerms {
  consumer: Address
  scheduler: Address
  watcher: Address
  salt: Hex
  resources: { cpuMillis: number; memoryMib: number; egressKibS: number }
  maxRates: { cpuMs: bigint; memoryMibS: bigint; egressKib: bigint; wallS: bigint }
  duration: number
  claimWithin: number
  cid: string
}

/** The API's terms as the contract takes them. */
export function termsOf(body: Schemas["TermsBody"]): JobTerms {
  const { resources, max_rates: rates } = body
  return {
    consumer: getAddress(body.consumer),
    scheduler: getAddress(body.scheduler),
    watcher: getAddress(body.watcher),
    salt: body.salt as Hex,
    resources: {
      cpuMillis: resources.cpu_millis,
      memoryMib: resources.memory_mib,
      egressKibS: resources.egress_kib_s ?? 0,
    },
    maxRates: {
      cpuMs: BigInt(rates.cpu_ms),
      memoryMibS: BigInt(rates.memory_mib_s),
      egressKib: BigInt(rates.egress_kib),
      wallS: BigInt(rates.wall_s),
    },
    duration: body.duration,
    claimWithin: body.claim_within,
    cid: body.cid,
  }
}

/** What stands for the terms where the contract needs to know no more of them: their ABI encoding, hashed. */
export function termsHash(terms: JobTerms): Hex {
  return keccak256(encodeAbiParameters([TERMS], [terms]))
}

/** The id that the escrow gives these terms, computed here. As `chain.escrow_calls.EscrowCalls.job_id`. */
export function jobIdOf(chainId: number, escrow: Address, terms: JobTerms): Hex {
  const parts = [{ type: "uint256" }, { type: "address" }, { type: "address" }, { type: "bytes32" }] as const
  return keccak256(encodeAbiParameters(parts, [BigInt(chainId), escrow, terms.consumer, termsHash(terms)]))
}

const TERMS: AbiParameter = (() => {
  const entry = escrowAbi.find((one) => one.type === "function" && one.name === "jobIdOf")
  const parameter = entry?.type === "function" ? entry.inputs[0] : undefined
  if (!parameter) throw new Error("The contract has no jobIdOf.")
  return parameter
})()
