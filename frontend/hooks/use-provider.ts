"use client"

import { useQuery } from "@tanstack/react-query"
import type { Address } from "viem"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { useChain } from "@/hooks/use-chain"
import type { Agent } from "@/lib/api"
import type { Rates } from "@/lib/money"
import { escrowAbi } from "@/generated/contracts"

const BEAT_MS = 5000 // how often an agent tells of its machine, or thereabouts

/** A provider as the chain knows it. Times are Unix seconds; units are a thousandth of a core or a MiB each. */
export interface ProviderRecord {
  isRegistered: boolean
  bonded: number
  reserved: number
  /** From when the bond is free; 0 while it is not leaving. */
  unbondAt: number
  completed: number
  lapsed: number
  disputesLost: number
  earned: bigint
  credit: bigint
  unbondTimeS: number
  rates: Rates | null
  /** Unix seconds of the block that this was read at. */
  headAt: number
}

/** What the chain says of a provider, at each block. */
export function useProvider(address: Address | undefined) {
  const { config } = useMarket()
  const client = useChain()
  return useQuery({
    queryKey: ["provider", address],
    enabled: address !== undefined && client !== undefined,
    ...useFollowing<ProviderRecord>("head"),
    queryFn: async (): Promise<ProviderRecord> => {
      if (!client || !address) throw new Error("There is no wallet.")
      const escrow = { address: config.escrow, abi: escrowAbi } as const
      const [found, credit, unbondTime, head] = await Promise.all([
        client.readContract({ ...escrow, functionName: "providers", args: [address] }),
        client.readContract({ ...escrow, functionName: "creditOf", args: [address] }),
        client.readContract({ ...escrow, functionName: "unbondTime" }),
        client.getBlock(),
      ])
      const isRegistered = found.rateCard !== 0
      const rates = isRegistered
        ? await client.readContract({ ...escrow, functionName: "ratesOf", args: [address, found.rateCard] })
        : null
      return {
        ...found,
        headAt: Number(head.timestamp),
        isRegistered,
        credit,
        unbondTimeS: Number(unbondTime),
        rates: rates && {
          cpu_ms: rates.cpuMs.toString(),
          memory_mib_s: rates.memoryMibS.toString(),
          egress_kib: rates.egressKib.toString(),
          wall_s: rates.wallS.toString(),
        },
      }
    },
  })
}

/** The machine that an address runs an agent on, as the scheduler last heard of it; null when of none. */
export function useMachine(address: Address | undefined) {
  const { api } = useMarket()
  return useQuery({
    queryKey: ["machine", address],
    enabled: address !== undefined,
    ...useFollowing<Agent | null>("agents"),
    refetchInterval: BEAT_MS,
    queryFn: ({ signal }) => api.find<Agent>(`/v1/agents/${address}`, signal),
  })
}
