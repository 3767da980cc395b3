// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query"
import type { ReactNode } from "react"
import { createRoot, type Root } from "react-dom/client"
import { createWalletClient, custom, defineChain, encodeErrorResult, type EIP1193RequestFn, type Hash } from "viem"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { createConfig, WagmiProvider } from "wagmi"

import { useTransaction, type Stage, type Teller } from "@/hooks/use-transaction"
import { escrowAbi } from "@/generated/contracts"
import { forget, onLeft, sentBefore, untold } from "@/lib/sent"
import { t } from "@/texts/en"

const ME = "0x98A3d58fa28cdd9489B6946E250238276b05B7BB"
const ESCROW = "0x5b1869D9A4C187F2EAa108f3062412ecf0526b24"
const HASH: Hash = `0x${"aa".repeat(32)}`
const OTHER: Hash = `0x${"bb".repeat(32)}`
const chain = defineChain({
  id: 1337,
  name: "test",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: ["http://unused"] } },
})
const transaction = (hash: Hash, more: object = {}) => ({
  hash, from: ME, to: ESCROW, nonce: "0x3", input: "0x12", value: "0x0", gas: "0x5208", type: "0x0", chainId: "0x539",
  gasPrice: "0x1", blockNumber: null, blockHash: null, transactionIndex: null, v: "0x1", r: "0x1", s: "0x1", ...more,
}) // prettier-ignore
const receipt = (hash: Hash, status: string) => ({
  transactionHash: hash, status, blockNumber: "0x2", blockHash: HASH, from: ME, to: ESCROW, logs: [], logsBloom: "0x0",
  transactionIndex: "0x0", cumulativeGasUsed: "0x1", gasUsed: "0x1", effectiveGasPrice: "0x1", contractAddress: null, type: "0x0",
}) // prettier-ignore

type Answers = Record<string, (params: readonly unknown[]) => unknown>

/** A wallet and a node as EIP-1193 has them, in so far as a test says what they answer. */
class Stub {
  answers: Answers = { eth_chainId: () => "0x539", eth_blockNumber: () => "0x1", eth_accounts: () => [ME] }
  request = (async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
    const answer = this.answers[method]
    if (!answer) throw Object.assign(new Error(`no ${method}`), { code: -32601 })
    return answer(params ?? [])
  }) as EIP1193RequestFn
}

function refusal(code: number, data?: string): never {
  throw Object.assign(new Error("refused"), { code, data })
}

let stub: Stub
let root: Root
let hook: ReturnType<typeof useTransaction>
let stages: Stage[]

function Probe() {
  hook = useTransaction()
  if (stages.at(-1) !== hook.stage) stages.push(hook.stage)
  return null
}

beforeEach(async () => {
  stub = new Stub()
  stages = []
  const config = createConfig({
    chains: [chain],
    transports: { 1337: custom(stub, { retryCount: 0 }) },
    pollingInterval: 20,
  })
  const around = (inner: ReactNode) => (
    <WagmiProvider config={config} reconnectOnMount={false}>
      <QueryClientProvider client={new QueryClient()}>{inner}</QueryClientProvider>
    </WagmiProvider>
  )
  root = createRoot(document.createElement("div"))
  root.render(around(<Probe />))
  await settled()
})

afterEach(() => root.unmount())

/** What was set is drawn. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

/** An answer that comes when the page shows this. */
async function onceShown<T>(at: Stage["at"], answer: T): Promise<T> {
  await vi.waitFor(() => expect(stages.at(-1)?.at).toBe(at))
  return answer
}

const wallet = () => createWalletClient({ account: ME, chain, transport: custom(stub, { retryCount: 0 }) })

async function run(work: (tell: Teller) => Promise<void>): Promise<boolean> {
  const isDone = await hook.run(work)
  await settled()
  return isDone
}

const send = async (tell: Teller) => {
  tell.confirming()
  await tell.sent(
    await wallet().sendTransaction({ to: ESCROW, data: "0x12", gas: 21_000n, gasPrice: 1n, nonce: 3 }),
    "topUp",
  )
}

describe("a transaction", () => {
  it("is told from the signature to its block", async () => {
    stub.answers["eth_signTypedData_v4"] = () => onceShown("sign", "0x1234")
    stub.answers["eth_sendTransaction"] = () => onceShown("confirm", HASH)
    stub.answers["eth_getTransactionReceipt"] = () => onceShown("pending", receipt(HASH, "0x1"))
    stub.answers["eth_getTransactionByHash"] = () => transaction(HASH)
    const isDone = await run(async (tell) => {
      tell.signing()
      await wallet().signTypedData({ types: { Permit: [] }, primaryType: "Permit", message: {} })
      await send(tell)
    })
    expect(hook.stage).toMatchObject({ at: "mined" })
    expect(isDone).toBe(true)
    expect(stages.map((one) => one.at)).toEqual(["idle", "sign", "confirm", "pending", "mined"])
    expect(hook.stage).toEqual({ at: "mined", hash: HASH, replaced: false })
  })

  it("is remembered over a reload until what became of it is known", async () => {
    stub.answers["eth_sendTransaction"] = () => HASH
    stub.answers["eth_getTransactionByHash"] = () => transaction(HASH)
    stub.answers["eth_getTransactionReceipt"] = async () => {
      await onceShown("pending", null)
      expect(sentBefore()).toEqual([{ hash: HASH, call: "topUp" }])
      return receipt(HASH, "0x0")
    }
    expect(await run(send)).toBe(false)
    expect(hook.stage).toMatchObject({ at: "failed", why: t.tx.failed, hash: HASH })
    expect(sentBefore()).toEqual([])
  })

  it("is told by whatever is left on the page once its button has gone", async () => {
    let mine = (): void => undefined
    const left = vi.fn()
    const stop = onLeft(left)
    stub.answers["eth_sendTransaction"] = () => HASH
    stub.answers["eth_getTransactionByHash"] = () => transaction(HASH)
    stub.answers["eth_getTransactionReceipt"] = () =>
      new Promise((resolve) => (mine = () => resolve(receipt(HASH, "0x1"))))
    const done = hook.run(send)
    await onceShown("pending", null)
    expect(sentBefore()).toHaveLength(1)
    expect(untold()).toEqual([])
    expect(left).not.toHaveBeenCalled()
    root.unmount()
    expect(left).toHaveBeenCalledOnce()
    expect(untold()).toEqual([{ hash: HASH, call: "topUp" }])
    mine()
    expect(await done).toBe(true)
    expect(untold()).toEqual([])
    stop()
  })

  it("that is confirmed in the wallet after its button has gone is told too", async () => {
    let confirm = (): void => undefined
    stub.answers["eth_sendTransaction"] = () => new Promise((resolve) => (confirm = () => resolve(HASH)))
    stub.answers["eth_getTransactionByHash"] = () => transaction(HASH)
    stub.answers["eth_getTransactionReceipt"] = () => new Promise(() => undefined)
    void hook.run(send)
    await onceShown("confirm", null)
    root.unmount()
    const told = new Promise<void>((resolve) => onLeft(resolve))
    confirm()
    await told
    expect(untold()).toEqual([{ hash: HASH, call: "topUp" }])
    forget(HASH)
  })

  it("of several asks the wallet for no other once its button has gone", async () => {
    let mine = (): void => undefined
    let asked = 0
    stub.answers["eth_sendTransaction"] = () => (asked++, HASH)
    stub.answers["eth_getTransactionByHash"] = () => transaction(HASH)
    stub.answers["eth_getTransactionReceipt"] = () =>
      new Promise((resolve) => (mine = () => resolve(receipt(HASH, "0x1"))))
    const done = hook.run(async (tell) => {
      await send(tell)
      await send(tell)
    })
    await onceShown("pending", null)
    root.unmount()
    mine()
    expect(await done).toBe(false)
    expect(asked).toBe(1)
  })

  it("that the wallet is told not to send is nothing lost, and can be tried again", async () => {
    stub.answers["eth_sendTransaction"] = () => refusal(4001)
    expect(await run(send)).toBe(false)
    expect(hook.stage).toEqual({ at: "failed", why: t.wallet.rejected })
    stub.answers["eth_sendTransaction"] = () => HASH
    stub.answers["eth_getTransactionReceipt"] = () => onceShown("pending", receipt(HASH, "0x1"))
    stub.answers["eth_getTransactionByHash"] = () => transaction(HASH)
    expect(await run(send)).toBe(true)
  })

  it("whose wallet has a question open already says so", async () => {
    stub.answers["eth_sendTransaction"] = () => refusal(-32002)
    await run(send)
    expect(hook.stage).toEqual({ at: "failed", why: t.wallet.pending })
  })

  it("that the contract would refuse is told by the error's name before it is sent", async () => {
    const data = encodeErrorResult({ abi: escrowAbi, errorName: "WrongFee", args: [5n] })
    stub.answers["eth_call"] = () => refusal(3, data)
    const isDone = await run(async () => {
      const { createPublicClient } = await import("viem")
      const client = createPublicClient({ chain, transport: custom(stub, { retryCount: 0 }) })
      const call = { address: ESCROW, abi: escrowAbi, functionName: "disputeFee" } as const
      await client.simulateContract({ ...call, functionName: "topUp", args: [HASH, 1n], account: ME })
    })
    expect(isDone).toBe(false)
    expect(hook.stage).toEqual({ at: "failed", why: `${t.contract.errors.WrongFee} (WrongFee)` })
  })

  it("that fails in its block says so, with its hash", async () => {
    stub.answers["eth_sendTransaction"] = () => HASH
    stub.answers["eth_getTransactionByHash"] = () => transaction(HASH)
    stub.answers["eth_getTransactionReceipt"] = () => receipt(HASH, "0x0")
    expect(await run(send)).toBe(false)
    expect(hook.stage).toEqual({ at: "failed", why: t.tx.failed, hash: HASH })
  })

  it.each([
    ["is sped up is waited for under its new hash", { input: "0x12" }, "mined"],
    ["is cancelled in the wallet says that it was", { input: "0x", to: ME, value: "0x0" }, "failed"],
  ])("that %s", async (_, changed, end) => {
    let block = 1
    stub.answers["eth_sendTransaction"] = () => HASH
    stub.answers["eth_blockNumber"] = () => `0x${(block++).toString(16)}`
    stub.answers["eth_getTransactionByHash"] = () => (block < 4 ? transaction(HASH) : null)
    stub.answers["eth_getTransactionReceipt"] = ([hash]) => (hash === OTHER ? receipt(OTHER, "0x1") : null)
    stub.answers["eth_getTransactionCount"] = () => "0x4"
    stub.answers["eth_getBlockByNumber"] = () => {
      return { number: "0x2", hash: HASH, transactions: [transaction(OTHER, { blockNumber: "0x2", ...changed })] }
    }
    await run(send)
    expect(hook.stage.at).toBe(end)
    expect(hook.stage).toMatchObject({ hash: OTHER })
    if (end === "mined") expect(hook.stage).toMatchObject({ replaced: true })
    else expect(hook.stage).toMatchObject({ why: t.tx.cancelled })
  })
})
