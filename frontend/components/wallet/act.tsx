"use client"

import { useQueryClient } from "@tanstack/react-query"

import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Guard } from "@/components/wallet/guard"
import { useTransaction, type Teller } from "@/hooks/use-transaction"
import { useWallet } from "@/hooks/use-wallet"
import { t } from "@/texts/en"

interface Props {
  label: string
  work: (tell: Teller) => Promise<unknown>
  /** Tokens that it takes, in base units. */
  need?: bigint
  kind?: "main" | "plain" | "danger"
  disabled?: boolean
  onDone?: () => void
}

/** A button that asks the wallet, and how that goes. */
export function Act({ label, work, need = 0n, kind = "main", disabled = false, onDone }: Props) {
  const { address, isHere } = useWallet()
  const queries = useQueryClient()
  const { stage, busy, run } = useTransaction()
  const go = async () => {
    const done = await run(async (tell) => {
      await work(tell)
    })
    await queries.invalidateQueries()
    if (done) onDone?.() // when what the chain says now is on the page
  }
  const button = (
    <Button kind={kind} disabled={disabled || busy || !address || !isHere} onClick={() => void go()}>
      {label}
    </Button>
  )
  return (
    <div className="space-y-3">
      {need > 0n && isHere && !busy && stage.at !== "mined" ? (
        <Guard need={need} why={t.wallet.connect}>
          {button}
        </Guard>
      ) : (
        button
      )}
      <TxStage stage={stage} />
    </div>
  )
}

/** Above buttons that ask the wallet: what has to be so first. */
export function Ready({ why }: { why: string }) {
  return <Guard why={why}>{null}</Guard>
}
