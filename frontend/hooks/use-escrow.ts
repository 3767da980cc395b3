"use client"

import { useQuery } from "@tanstack/react-query"
import { useCallback } from "react"
import { useWriteContract } from "wagmi"

import { useChain } from "@/hooks/use-chain"
import { useMarket } from "@/hooks/market"
import { useTransaction, type Teller } from "@/hooks/use-transaction"
import { useContracts, useWallet } from "@/hooks/use-wallet"
import type { Deployment } from "@/lib/api"
import { documentOf, publish } from "@/lib/dispute"
import { termsHash, termsOf } from "@/lib/terms"
import { escrowAbi, tokenAbi } from "@/generated/contracts"

export interface Accusation {
  attempt: number
  provider: `0x${string}`
  title: string
  description: string
}

/** What the parties of a deployment do at the escrow. Each is tried out first, so that a refusal has its name. */
export function useEscrow(deployment: Deployment) {
  const { api, config } = useMarket()
  const { address } = useWallet()
  const contracts = useContracts().data
  const client = useChain()
  const { mutateAsync: write } = useWriteContract()
  const { stage, run, clear } = useTransaction()

  const needed = useCallback(() => {
    if (!address || !contracts || !client) throw new Error("Connect a wallet first.")
    return {
      address,
      client,
      contracts,
      escrow: { address: contracts.escrow, abi: escrowAbi, account: address } as const,
    }
  }, [address, client, contracts])

  /** Let the escrow take so many tokens; asks only when it may not yet. */
  const allow = useCallback(
    async (tell: Teller, amount: bigint) => {
      const { client, contracts, address } = needed()
      const token = { address: contracts.token, abi: tokenAbi } as const
      const args = [address, contracts.escrow] as const
      if ((await client.readContract({ ...token, functionName: "allowance", args })) >= amount) return
      tell.confirming()
      await tell.sent(await write({ ...token, functionName: "approve", args: [contracts.escrow, amount] }))
    },
    [needed, write],
  )

  const topUp = (amount: bigint) =>
    run(async (tell) => {
      const { client, escrow } = needed()
      await allow(tell, amount)
      const call = { ...escrow, functionName: "topUp", args: [deployment.job_id as `0x${string}`, amount] } as const
      await client.simulateContract(call)
      tell.confirming()
      await tell.sent(await write(call))
    })

  const cancel = () =>
    run(async (tell) => {
      const { client, escrow } = needed()
      const args = [termsHash(termsOf(deployment.terms))] as const
      const call = { ...escrow, functionName: "cancelJob", args } as const
      await client.simulateContract(call)
      tell.confirming()
      await tell.sent(await write(call))
    })

  const published = async ({ attempt, provider, title, description }: Accusation) => {
    const place = { chainId: config.chainId, escrow: config.escrow, jobId: deployment.job_id, attempt, provider }
    return publish(api, needed().address, documentOf({ ...place, title, description }))
  }

  const dispute = (what: Accusation) =>
    run(async (tell) => {
      const { client, contracts, escrow } = needed()
      const value = await client.readContract({ ...escrow, functionName: "disputeFee" })
      const path = await published(what)
      await allow(tell, contracts.disputeBond)
      const args = [termsOf(deployment.terms), what.attempt, what.provider, path] as const
      const call = { ...escrow, functionName: "dispute", args, value } as const
      await client.simulateContract(call)
      tell.confirming()
      await tell.sent(await write(call))
    })

  const addEvidence = (disputeId: bigint, what: Accusation) =>
    run(async (tell) => {
      const { client, escrow } = needed()
      const args = [disputeId, await published(what)] as const
      const call = { ...escrow, functionName: "submitEvidence", args } as const
      await client.simulateContract(call)
      tell.confirming()
      await tell.sent(await write(call))
    })

  const busy = stage.at === "sign" || stage.at === "confirm" || stage.at === "pending"
  return { stage, busy, clear, topUp, cancel, dispute, addEvidence }
}

/** What a dispute takes: a bond in tokens, and the court's fee in wei. */
export function useDisputeCosts() {
  const contracts = useContracts().data
  const client = useChain()
  return useQuery({
    queryKey: ["dispute-fee", contracts?.escrow],
    enabled: client !== undefined && contracts !== undefined,
    queryFn: async () => {
      if (!client || !contracts) throw new Error("There is no connection to the chain.")
      const escrow = { address: contracts.escrow, abi: escrowAbi } as const
      return { bond: contracts.disputeBond, fee: await client.readContract({ ...escrow, functionName: "disputeFee" }) }
    },
  })
}
