"use client"

import { useQuery } from "@tanstack/react-query"
import type { Hex } from "viem"

import { useChain } from "@/hooks/use-chain"
import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { escrowAbi } from "@/generated/contracts"

const ABSENT = 0

/** Whether the chain has this job: a wallet may have been told to send it after the page that asked was gone. */
export function usePosted(jobId: Hex | undefined): boolean {
  const { config } = useMarket()
  const client = useChain()
  const found = useQuery({
    queryKey: ["posted", jobId],
    enabled: client !== undefined && jobId !== undefined,
    ...useFollowing<boolean>("head", { isFinal: (isPosted) => isPosted === true }),
    queryFn: async () => {
      if (!client || !jobId) throw new Error("There is no such job.")
      const escrow = { address: config.escrow, abi: escrowAbi } as const
      return (await client.readContract({ ...escrow, functionName: "stateOf", args: [jobId] })) !== ABSENT
    },
  })
  return found.data ?? false
}
