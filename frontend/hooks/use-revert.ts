"use client"

import { useQuery } from "@tanstack/react-query"
import type { Transaction, TransactionReceipt } from "viem"
import { call } from "viem/actions"
import { useClient } from "wagmi"

import { rawRevertOf, words } from "@/lib/errors"
import { errorOf, type Told } from "@/lib/tx"

export interface Revert {
  words: string
  /** The contract's own error with its arguments; null when it is none of ours. */
  told: Told | null
}

/**
 * Why a transaction failed: a receipt does not say, so the node is asked for the same call as it stood before that
 * block. Null when it finds no fault now, or no longer knows that block's state.
 */
export function useRevert(sent: Transaction, receipt: TransactionReceipt | null) {
  const client = useClient()
  return useQuery({
    queryKey: ["revert", sent.hash],
    enabled: client !== undefined && receipt?.status === "reverted",
    staleTime: Infinity,
    queryFn: async (): Promise<Revert | null> => {
      if (!client || !receipt) throw new Error("There is no connection to the chain.")
      const { from: account, to, input: data, value, gas } = sent
      try {
        await call(client, { account, to, data, value, gas, blockNumber: receipt.blockNumber - 1n })
        return null
      } catch (error) {
        const raw = rawRevertOf(error)
        return raw ? { words: words(error), told: errorOf(raw) } : null
      }
    },
  })
}
