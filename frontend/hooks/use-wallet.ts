"use client"

import { useQuery } from "@tanstack/react-query"
import { useCallback } from "react"
import type { Address } from "viem"
import { useConnection, useSwitchChain } from "wagmi"

import { useChain } from "@/hooks/use-chain"
import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { escrowAbi, tokenAbi } from "@/generated/contracts"

export interface Wallet {
  address: Address | undefined
  /** Whether it is on the market's chain. */
  isHere: boolean
  switchHere: () => Promise<void>
}

/** The wallet that is connected, and whether it is on the right network. */
export function useWallet(): Wallet {
  const { config } = useMarket()
  const { address, chainId, status } = useConnection()
  const { mutateAsync } = useSwitchChain()
  const switchHere = useCallback(async () => {
    await mutateAsync({ chainId: config.chainId })
  }, [mutateAsync, config.chainId])
  return {
    address: status === "connected" ? address : undefined,
    isHere: status === "connected" && chainId === config.chainId,
    switchHere,
  }
}

/** Where the market's contracts are; they never change while the page is open. */
export function useContracts() {
  const { config } = useMarket()
  const client = useChain()
  return useQuery({
    queryKey: ["contracts", config.escrow],
    enabled: client !== undefined,
    staleTime: Infinity,
    queryFn: async () => {
      if (!client) throw new Error("There is no connection to the chain.")
      const escrow = { address: config.escrow, abi: escrowAbi } as const
      const [token, court, bondPerUnit, disputeBond, window_] = await Promise.all([
        client.readContract({ ...escrow, functionName: "token" }),
        client.readContract({ ...escrow, functionName: "arbitrator" }),
        client.readContract({ ...escrow, functionName: "bondPerUnit" }),
        client.readContract({ ...escrow, functionName: "disputeBond" }),
        client.readContract({ ...escrow, functionName: "window" }),
      ])
      return { escrow: config.escrow, token, court, bondPerUnit, disputeBond, windowS: Number(window_) }
    },
  })
}

/** What an address holds, at each block. */
export function useBalances(address: Address | undefined) {
  const contracts = useContracts().data
  const client = useChain()
  return useQuery({
    queryKey: ["balances", address],
    enabled: address !== undefined && contracts !== undefined && client !== undefined,
    ...useFollowing<{ tokens: bigint; coins: bigint }>("head"),
    queryFn: async () => {
      if (!client || !contracts || !address) throw new Error("no wallet")
      const token = { address: contracts.token, abi: tokenAbi } as const
      const [tokens, coins] = await Promise.all([
        client.readContract({ ...token, functionName: "balanceOf", args: [address] }),
        client.getBalance({ address }),
      ])
      return { tokens, coins }
    },
  })
}
