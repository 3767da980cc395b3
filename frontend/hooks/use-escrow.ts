"use client"

import { useQuery } from "@tanstack/react-query"

import { useChain } from "@/hooks/use-chain"
import { useMarket } from "@/hooks/market"
import { useSend } from "@/hooks/use-send"
import { useTransaction } from "@/hooks/use-transaction"
import { useContracts, useWallet } from "@/hooks/use-wallet"
import type { Deployment } from "@/lib/api"
import { documentOf, publish } from "@/lib/dispute"
import { termsHash, termsOf } from "@/lib/terms"
import { escrowAbi } from "@/generated/contracts"

export interface Accusation {
  attempt: number
  provider: `0x${string}`
  title: string
  description: string
}

/** What the parties of a deployment do at the escrow. */
export function useEscrow(deployment: Deployment) {
  const { api, config } = useMarket()
  const { address } = useWallet()
  const contracts = useContracts().data
  const client = useChain()
  const { send, sendWithTokens } = useSend()
  const { stage, busy, run } = useTransaction()

  const needed = () => {
    if (!address || !contracts || !client) throw new Error("Connect a wallet first.")
    return { address, client, contracts, escrow: { address: contracts.escrow, abi: escrowAbi } as const }
  }

  const topUp = (amount: bigint) =>
    run(async (tell) => {
      const args = [deployment.job_id as `0x${string}`, amount] as const
      await sendWithTokens(tell, amount, { ...needed().escrow, functionName: "topUp", args })
    })

  const cancel = () =>
    run(async (tell) => {
      const args = [termsHash(termsOf(deployment.terms))] as const
      await send(tell, { ...needed().escrow, functionName: "cancelJob", args })
    })

  const published = async ({ attempt, provider, title, description }: Accusation) => {
    const place = { chainId: config.chainId, escrow: config.escrow, jobId: deployment.job_id, attempt, provider }
    return publish(api, needed().address, documentOf({ ...place, title, description }))
  }

  const dispute = (what: Accusation) =>
    run(async (tell) => {
      const { client, contracts, escrow } = needed()
      const value = await client.readContract({ ...escrow, functionName: "disputeFee" })
      const args = [termsOf(deployment.terms), what.attempt, what.provider, await published(what)] as const
      await sendWithTokens(tell, contracts.disputeBond, { ...escrow, functionName: "dispute", args, value })
    })

  const addEvidence = (disputeId: bigint, what: Accusation) =>
    run(async (tell) => {
      const args = [disputeId, await published(what)] as const
      await send(tell, { ...needed().escrow, functionName: "submitEvidence", args })
    })

  return { stage, busy, topUp, cancel, dispute, addEvidence }
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
