import {
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  encodeFunctionData,
  maxUint256,
  toFunctionSelector,
  type Abi,
  type AbiParameter,
  type Hex,
} from "viem"
import { describe, expect, it } from "vitest"

import { courtAbi, escrowAbi, tokenAbi } from "@/generated/contracts"
import type { JobTerms } from "@/lib/terms"
import { callOf, errorOf, eventOf, type Arg, type Told } from "@/lib/tx"
import { KINDS, kindOf } from "@/lib/tx-kinds"
import { labelOf, wordsOf } from "@/lib/tx-words"
import { t } from "@/texts/en"

const [ESCROW, COURT, TOKEN, ANNA]: [Hex, Hex, Hex, Hex] = [address(1), address(2), address(3), address(4)]
const PLACES = { escrow: ESCROW, court: COURT, token: TOKEN }
const JOB: Hex = `0x${"ab".repeat(32)}`
const CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
const NOON = 1_795_694_400 // 26 November 2026, 12:00 UTC
const USAGE = { cpuMs: 61_000n, memoryMibS: 3_686_400n, egressKib: 2048n, wallS: 90n }
const TERMS: JobTerms = {
  consumer: ANNA,
  scheduler: ESCROW,
  watcher: address(0),
  salt: JOB,
  resources: { cpuMillis: 1500, memoryMib: 2048, egressKibS: 0 },
  maxRates: { cpuMs: 20_000_000_000n, memoryMibS: 0n, egressKib: 0n, wallS: 1n },
  duration: 600,
  claimWithin: 90,
  cid: CID,
}

function address(last: number): Hex {
  return `0x${last.toString(16).padStart(40, "0")}`
}

/** What is shown of an argument, by its label; what is in it by its own. */
type Shown = string | { [label: string]: Shown }

function shown(args: Arg[]): { [label: string]: Shown } {
  return Object.fromEntries(
    args.map(({ name, within, raw, told }) => [
      labelOf(name, within),
      "inside" in told ? shown(told.inside) : (wordsOf(told.kind, told.value) ?? raw),
    ]),
  )
}

function event(abi: Abi, at: Hex, name: string, args: Record<string, unknown>): Told | null {
  const entry = abi.find((one) => one.type === "event" && one.name === name)
  const inputs = entry?.type === "event" ? entry.inputs.filter((one) => !one.indexed) : []
  const data = encodeAbiParameters(
    inputs,
    inputs.map((one) => args[one.name ?? ""]),
  )
  const topics = encodeEventTopics({ abi, eventName: name, args }) as [Hex, ...Hex[]]
  return eventOf({ address: at, data, topics }, PLACES)
}

describe("a call", () => {
  it("has its terms as facts in facts, and all of them exactly", () => {
    const input = encodeFunctionData({ abi: escrowAbi, functionName: "postJob", args: [TERMS, 3n * 10n ** 18n] })
    const call = callOf(ESCROW, input, PLACES)
    expect(call?.contract).toBe("DRaaSEscrow")
    expect(shown(call?.args ?? [])).toEqual({
      Terms: {
        Consumer: ANNA,
        Scheduler: ESCROW,
        Watcher: address(0),
        Salt: JOB,
        Reserved: { CPU: "1.5 CPU", Memory: "2 GiB", Network: "none" },
        "Prices, at most": {
          CPU: "0.072 tokens per core-hour",
          Memory: "0 tokens per GiB-hour",
          Sent: "0 tokens per GiB sent",
          Time: "< 0.000000001 tokens per hour",
        },
        "May run for": "10 min 0 s",
        "Claimed within": "1 min 30 s",
        Bundle: CID,
      },
      Deposit: "3 tokens",
    })
    expect(call?.args.map((one) => one.raw)[1]).toBe("3000000000000000000")
    expect(call?.args[0]?.raw).toContain('"cpuMs":"20000000000"')
  })

  it("has its lists item by item", () => {
    const reports = [{ jobId: JOB, attempt: 2, usage: USAGE }]
    const input = encodeFunctionData({ abi: escrowAbi, functionName: "reportUsage", args: [reports] })
    expect(shown(callOf(ESCROW, input, PLACES)?.args ?? [])).toEqual({
      Reports: {
        "1": {
          Job: JOB,
          Run: "2",
          Usage: { "CPU time": "1 min 1 s", Memory: "1 GiB-hours", Sent: "2 MiB", "Running time": "1 min 30 s" },
        },
      },
    })
  })

  it("tells a little memory in MiB-seconds", () => {
    expect(wordsOf("mibSeconds", 36_863n)).toBe("36863 MiB-seconds")
    expect(wordsOf("mibSeconds", 36_864n)).toBe("0.01 GiB-hours")
  })

  it("of an allowance says when it has no end", () => {
    const input = encodeFunctionData({ abi: tokenAbi, functionName: "approve", args: [ESCROW, maxUint256] })
    expect(shown(callOf(TOKEN, input, PLACES)?.args ?? [])).toEqual({ Spender: ESCROW, Amount: "without limit" })
  })

  it("of a name that is left out is told by its place", () => {
    const input = encodeFunctionData({ abi: courtAbi, functionName: "appeal", args: [7n, "0x12"] })
    expect(shown(callOf(COURT, input, PLACES)?.args ?? [])).toEqual({ Dispute: "7", "1": "0x12" })
  })

  it("of another contract, or another version, is not told", () => {
    expect(callOf(ANNA, "0x12345678", PLACES)).toBeNull()
    expect(callOf(ESCROW, "0x12345678", PLACES)).toBeNull()
    expect(callOf(null, "0x", PLACES)).toBeNull()
  })
})

describe("an event", () => {
  it("tells a fee in ETH and a gain in tokens", () => {
    const paid = { disputeId: 1n, round: 2n, juror: ANNA, fee: 10n ** 15n, gain: 1n }
    expect(shown(event(courtAbi as Abi, COURT, "JurorPaid", paid)?.args ?? [])).toEqual({
      Dispute: "1",
      Round: "2",
      Juror: ANNA,
      Fee: "0.001 ETH",
      "Added to the stake": "0.000000000000000001 tokens",
    })
    const taken = event(courtAbi as Abi, COURT, "FeesWithdrawn", { juror: ANNA, amount: 10n ** 18n })
    expect(shown(taken?.args ?? [])["Amount"]).toBe("1 ETH")
  })

  it("tells a moment as a date, and that there is none", () => {
    const lapsed = { jobId: JOB, provider: ANNA, attempt: 1, earned: 5n, claimBy: 0n }
    expect(shown(event(escrowAbi as Abi, ESCROW, "JobLapsed", lapsed)?.args ?? [])["To be claimed until"]).toBe("none")
    const leaving = event(escrowAbi as Abi, ESCROW, "UnbondStarted", { provider: ANNA, unbondAt: BigInt(NOON) })
    expect(shown(leaving?.args ?? [])["Bond is free from"]).toMatch(/^26 Nov 2026, \d\d:00:00$/)
  })

  it("tells what a ruling gives, and a refusal to rule", () => {
    const ruled = (ruling: bigint) =>
      shown(event(courtAbi as Abi, COURT, "RulingExecuted", { disputeId: 1n, ruling })?.args ?? [])["Ruling"]
    expect(ruled(3001n)).toBe("30 % for the provider")
    expect(ruled(0n)).toBe(t.juror.refusedToRule)
    expect(ruled(20_000n)).toBe("20000")
  })

  it("names the error that a report was passed over for", () => {
    const skipped = (reason: Hex) =>
      shown(event(escrowAbi as Abi, ESCROW, "ReportSkipped", { jobId: JOB, attempt: 1, reason })?.args ?? [])["Reason"]
    expect(skipped(toFunctionSelector("UsageFell(bytes32,uint8)"))).toContain("(UsageFell)")
    expect(skipped("0x12345678")).toBe("0x12345678")
  })

  it("hides nothing of a stranger's words", () => {
    const declined = event(escrowAbi as Abi, ESCROW, "JobDeclined", { jobId: JOB, scheduler: ANNA, reason: "a\u202eb" })
    expect(shown(declined?.args ?? [])["Reason"]).toBe("a\ufffdb")
  })
})

it("an error tells the state by its name", () => {
  const data = encodeErrorResult({ abi: escrowAbi, errorName: "WrongState", args: [JOB, 2] })
  const told = errorOf(data)
  expect(told?.name).toBe("WrongState")
  expect(shown(told?.args ?? [])).toEqual({ Job: JOB, State: "Running" })
  expect(errorOf("0x12345678")).toBeNull()
})

describe("the kinds", () => {
  const RAW = new Set(
    "salt image termsHash signature consumerSignature commitment v r s extraData 1 bits length str".split(" "),
  )
  const all = [escrowAbi, courtAbi, tokenAbi].flatMap((abi: Abi) =>
    abi.flatMap((one) => {
      const isTold = one.type === "event" || one.type === "error" || isSent(one)
      return isTold && "name" in one && "inputs" in one
        ? one.inputs.flatMap((input, at) => leaves(input, one.name, at))
        : []
    }),
  )

  function isSent(one: Abi[number]): boolean {
    return one.type === "function" && one.stateMutability !== "view" && one.stateMutability !== "pure"
  }

  function leaves(input: AbiParameter, within: string, at: number): { input: AbiParameter; within: string }[] {
    if (!("components" in input)) return [{ input: { ...input, name: input.name || String(at) }, within }]
    const struct = /^struct (\w+)/.exec(input.internalType ?? "")?.[1] ?? ""
    return input.components.flatMap((one, place) => leaves(one, struct, place))
  }

  it("cover every argument that is not to be told as it is", () => {
    const untold = all.filter(({ input, within }) => kindOf(input, within) === "raw" && !RAW.has(input.name ?? ""))
    expect(untold.map(({ input, within }) => `${within}.${input.name}`)).toEqual([])
  })

  it("and the labels name nothing that no contract has", () => {
    const names = new Set(all.flatMap(({ input, within }) => [input.name ?? "", `${within}.${input.name}`]))
    for (const one of ["maxRates", "rates", "resources"]) names.add(one)
    expect([...Object.keys(KINDS), ...Object.keys(t.tx.names)].filter((name) => !names.has(name))).toEqual([])
  })

  it("are of a name and a type: what has another type is told as it is", () => {
    expect(kindOf({ name: "amount", type: "uint256" }, "topUp")).toBe("tokens")
    expect(kindOf({ name: "amount", type: "bytes32" }, "topUp")).toBe("raw")
    expect(kindOf({ name: "anything", type: "address" }, "topUp")).toBe("address")
    expect(kindOf({ name: "anything", type: "uint256" }, "topUp")).toBe("raw")
  })
})
