import {
  BaseError,
  ContractFunctionRevertedError,
  encodeErrorResult,
  InvalidInputRpcError,
  RpcRequestError,
  type Abi,
  type AbiParameter,
} from "viem"
import { describe, expect, it } from "vitest"

import { courtAbi, escrowAbi, tokenAbi } from "@/generated/contracts"
import { errorNameOf, words } from "@/lib/errors"
import { t } from "@/texts/en"

const ABIS: Record<string, Abi> = { escrow: escrowAbi, court: courtAbi, token: tokenAbi }

function errorsOf(abi: Abi) {
  return abi.filter((one) => one.type === "error")
}

function anyOf({ type }: AbiParameter): unknown {
  if (type === "address") return `0x${"11".repeat(20)}`
  if (type === "string") return "text"
  if (type.startsWith("bytes")) return `0x${"22".repeat(Number(type.slice(5)))}`
  const bits = Number(type.replace(/^u?int/, ""))
  return bits <= 48 ? 1 : 1n
}

describe.each(Object.entries(ABIS))("each custom error of the %s", (_, abi) => {
  it.each(errorsOf(abi).map((one) => [one.name, one] as const))("%s is told in words", (name, one) => {
    const data = encodeErrorResult({ abi: [one], errorName: name, args: one.inputs.map(anyOf) })
    const reverted = new ContractFunctionRevertedError({ abi, data, functionName: "any" })
    const told = words(new BaseError("It reverted.", { cause: reverted }))
    expect(told).toMatch(/^[A-Z][^\n]{10,}[.!] \(\w+\)$/)
    expect(told).toContain(`(${name})`)
  })
})

it("there is no text for an error that no contract has", () => {
  const names = new Set(Object.values(ABIS).flatMap((abi) => errorsOf(abi).map((one) => one.name)))
  expect(Object.keys(t.contract.errors).filter((name) => !names.has(name))).toEqual([])
})

describe("a refusal that viem does not read", () => {
  const data = encodeErrorResult({ abi: tokenAbi, errorName: "FaucetClosed" })
  const said = "VM Exception while processing transaction: revert"

  it.each([
    ["a node's own error", { code: -32000, message: said, data }],
    ["a node's error with its result inside", { code: -32000, message: said, data: { result: data } }],
    ["a wallet's", { code: -32603, message: said, data: { data } }],
  ])("is told by its name from %s", (_, error) => {
    const cause = new InvalidInputRpcError(new RpcRequestError({ body: {}, error, url: "http://node.example" }))
    expect(errorNameOf(cause)).toBe("FaucetClosed")
    expect(words(cause)).toContain("(FaucetClosed)")
  })

  it("is none when nothing came of a contract", () => {
    const error = { code: -32000, message: "nonce too low" }
    const cause = new InvalidInputRpcError(new RpcRequestError({ body: {}, error, url: "http://node.example" }))
    expect(errorNameOf(cause)).toBeNull()
  })
})
