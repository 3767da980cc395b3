"use client"

import { useState } from "react"
import { useWriteContract } from "wagmi"

import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Dialog } from "@/components/ui/dialog"
import { Guard } from "@/components/wallet/guard"
import { useTransaction } from "@/hooks/use-transaction"
import { useContracts, useWallet } from "@/hooks/use-wallet"
import type { Deployment } from "@/lib/api"
import { termsHash, termsOf } from "@/lib/terms"
import { escrowAbi } from "@/generated/contracts"
import { t } from "@/texts/en"

/** What the consumer can do about a deployment that goes on. */
export function Actions({ deployment }: { deployment: Deployment }) {
  const { address } = useWallet()
  const contracts = useContracts().data
  const [asked, setAsked] = useState(false)
  const { mutateAsync: write } = useWriteContract()
  const { stage, run } = useTransaction()
  const goesOn = deployment.state === "Open" || deployment.state === "Running"
  if (!goesOn || address?.toLowerCase() !== deployment.consumer.toLowerCase()) return null
  const cancel = () =>
    run(async (tell) => {
      if (!contracts) return
      tell.confirming()
      const args = [termsHash(termsOf(deployment.terms))] as const
      await tell.sent(await write({ address: contracts.escrow, abi: escrowAbi, functionName: "cancelJob", args }))
      setAsked(false)
    })
  return (
    <>
      <Button kind="danger" onClick={() => setAsked(true)}>
        {t.deployment.cancel}
      </Button>
      <Dialog title={t.deployment.cancel} open={asked} onClose={() => setAsked(false)}>
        <div className="space-y-3">
          <p className="text-sm">{t.deployment.cancelSure}</p>
          <Guard why={t.post.needWallet}>
            <Button
              kind="danger"
              disabled={stage.at === "confirm" || stage.at === "pending"}
              onClick={() => void cancel()}
            >
              {t.deployment.cancel}
            </Button>
          </Guard>
          <TxStage stage={stage} />
        </div>
      </Dialog>
    </>
  )
}
