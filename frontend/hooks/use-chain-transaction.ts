"use client"

import { useQuery } from "@tanstack/react-query"
import { TransactionNotFoundError, type Hash, type Transaction, type TransactionReceipt } from "viem"

import { useFollowing } from "@/hooks/news"
import { useChain } from "@/hooks/use-chain"

export interface ChainTransaction {
  sent: Transaction
  receipt: TransactionReceipt | null
  /** Unix seconds of its block. */
  at: number | null
}

/** A transaction as the node tells it: null when it knows none, with a receipt and a time once it is in a block. */
export function useChainTransaction(hash: Hash) {
  const client = useChain()
  return useQuery({
    queryKey: ["tx", hash],
    enabled: client !== undefined,
    ...useFollowing<ChainTransaction | null>("head", { isFinal: (known) => known?.receipt != null }),
    queryFn: async (): Promise<ChainTransaction | null> => {
      if (!client) throw new Error("There is no connection to the chain.")
      try {
        const sent = await client.getTransaction({ hash })
        if (sent.blockNumber === null) return { sent, receipt: null, at: null }
        const [receipt, block] = await Promise.all([
          client.getTransactionReceipt({ hash }),
          client.getBlock({ blockNumber: sent.blockNumber }),
        ])
        return { sent, receipt, at: Number(block.timestamp) }
      } catch (error) {
        if (error instanceof TransactionNotFoundError) return null
        throw error
      }
    },
  })
}
