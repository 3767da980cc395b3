"use client"

import { useMemo } from "react"
import type { Client, PublicClient } from "viem"
import {
  getBalance,
  getBlock,
  getBlockNumber,
  getLogs,
  getTransaction,
  getTransactionReceipt,
  readContract,
  simulateContract,
  waitForTransactionReceipt,
} from "viem/actions"
import { useClient } from "wagmi"

import { useNow } from "@/hooks/use-now"

const ACTIONS = {
  getBalance,
  getBlock,
  getBlockNumber,
  getLogs,
  getTransaction,
  getTransactionReceipt,
  readContract,
  simulateContract,
  waitForTransactionReceipt,
}

/** What the pages ask the chain. viem's own public client holds sixty such actions, and every page would load them. */
export type Chain = Pick<PublicClient, keyof typeof ACTIONS>

const QUIET_S = 20

/** Unix seconds by the chain, whose word about spans counts; by this clock where blocks come by need alone. */
export function useChainTime(headAt: number): number {
  return Math.max(headAt, useNow() / 1000 - QUIET_S)
}

/** The market's chain; it is the same object as long as the chain is the same. */
export function useChain(): Chain | undefined {
  const client = useClient()
  return useMemo(() => client && chainOf(client), [client])
}

function chainOf(client: Client): Chain {
  const bound = Object.entries(ACTIONS).map(([name, action]) => {
    const ask = action as unknown as (of: Client, given: unknown) => unknown
    return [name, (given: unknown) => ask(client, given)]
  })
  return Object.fromEntries(bound) as Chain
}
