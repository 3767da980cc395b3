"use client"

import { useCallback, useEffect, useRef, useState } from "react"
import { type Hash, type TransactionReceipt } from "viem"

import { useChain } from "@/hooks/use-chain"
import { useHere } from "@/hooks/use-here"
import { words } from "@/lib/errors"
import { forget, leave, remember } from "@/lib/sent"
import { t } from "@/texts/en"

export type Stage =
  | { at: "idle" }
  | { at: "sign" }
  | { at: "confirm" }
  | { at: "pending"; hash: Hash }
  | { at: "mined"; hash: Hash; replaced: boolean }
  | { at: "failed"; why: string; hash?: Hash }

export interface Teller {
  /** The wallet asks for a signature; throws when the page has gone on to something else. */
  signing: () => void
  /** The wallet asks whether to send; throws likewise. */
  confirming: () => void
  /** It was sent, calling this function; resolves with its receipt, also when another of the same nonce took its place. */
  sent: (hash: Hash, call: string) => Promise<TransactionReceipt>
}

/** One thing that somebody does with a wallet, told at each moment. */
export function useTransaction(): {
  stage: Stage
  /** Whether the wallet or a block is waited for. */
  busy: boolean
  run: (work: (tell: Teller) => Promise<void>) => Promise<boolean>
} {
  const client = useChain()
  const [stage, setStage] = useState<Stage>({ at: "idle" })
  const running = useRef(false)
  const waited = useRef<Hash | null>(null)
  const here = useHere()
  useEffect(
    () => () => {
      if (waited.current) leave(waited.current)
    },
    [],
  )
  const run = useCallback(
    async (work: (tell: Teller) => Promise<void>): Promise<boolean> => {
      if (running.current) return false // a second click
      running.current = true
      let last: Hash | undefined
      let replaced = false
      const asks = (at: "sign" | "confirm") => {
        if (!here.current) throw new Error("Nobody sees any more what the wallet would be asked for.")
        setStage({ at })
      }
      const tell: Teller = {
        signing: () => asks("sign"),
        confirming: () => asks("confirm"),
        sent: async (hash, call) => {
          if (!client) throw new Error("There is no connection to the chain.")
          last = hash
          setStage({ at: "pending", hash })
          remember({ hash, call })
          waited.current = hash
          if (!here.current) leave(hash)
          const receipt = await client.waitForTransactionReceipt({
            hash,
            timeout: 0, // a block may take its time, and what is sent is sent
            onReplaced: ({ transaction, reason }) => {
              forget(hash)
              last = transaction.hash
              if (reason === "cancelled") throw new Error(t.tx.cancelled)
              if (reason === "replaced") throw new Error(t.tx.otherwise)
              replaced = true // known by its block alone
            },
          })
          forget(hash) // not before: a node that fell silent has told nothing
          last = receipt.transactionHash
          if (receipt.status !== "success") throw new Error(t.tx.failed)
          return receipt
        },
      }
      try {
        await work(tell)
        setStage(last ? { at: "mined", hash: last, replaced } : { at: "idle" })
        return true
      } catch (error) {
        setStage(last ? { at: "failed", why: words(error), hash: last } : { at: "failed", why: words(error) })
        return false
      } finally {
        running.current = false
        waited.current = null
      }
    },
    [client, here],
  )
  const busy = stage.at === "sign" || stage.at === "confirm" || stage.at === "pending"
  return { stage, busy, run }
}
