"use client"

import dynamic from "next/dynamic"
import { useState, type ReactNode } from "react"

import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Dialog } from "@/components/ui/dialog"
import { Guard } from "@/components/wallet/guard"
import { useEscrow } from "@/hooks/use-escrow"
import { useWallet } from "@/hooks/use-wallet"
import type { Deployment } from "@/lib/api"
import { t } from "@/texts/en"

// What a dialog shows is loaded when it is opened.
const loading = () => <p className="text-soft text-sm">{t.common.loading}</p>
const DisputeForm = dynamic(() => import("@/components/deployment/dispute-form").then((one) => one.DisputeForm), {
  loading,
})
const TopUp = dynamic(() => import("@/components/deployment/top-up").then((one) => one.TopUp), { loading })

/** What a party can do about a deployment. */
export function Actions({ deployment }: { deployment: Deployment }) {
  const { address } = useWallet()
  const me = address?.toLowerCase()
  const goesOn = deployment.state === "Open" || deployment.state === "Running"
  const isConsumer = me === deployment.consumer.toLowerCase()
  const isProvider = deployment.runs.some((run) => run.provider.toLowerCase() === me)
  const isDisputable = deployment.runs.length > 0 && !["Disputed", "Closed"].includes(deployment.state)
  if (!(isConsumer && goesOn) && !((isConsumer || isProvider) && isDisputable)) return null
  return (
    <div className="flex flex-wrap gap-2">
      {isConsumer && goesOn && <Asked title={t.deployment.topUp}>{() => <TopUp deployment={deployment} />}</Asked>}
      {isDisputable && <Asked title={t.deployment.dispute}>{() => <DisputeForm deployment={deployment} />}</Asked>}
      {isConsumer && goesOn && (
        <Asked title={t.deployment.cancel} danger>
          {(close) => <Cancel deployment={deployment} onDone={close} />}
        </Asked>
      )}
    </div>
  )
}

interface AskedProps {
  title: string
  danger?: boolean
  children: (close: () => void) => ReactNode
}

/** A button whose dialog says what it does before it does it. */
function Asked({ title, danger = false, children }: AskedProps) {
  const [open, setOpen] = useState(false)
  const close = () => setOpen(false)
  return (
    <>
      <Button kind={danger ? "danger" : "plain"} onClick={() => setOpen(true)}>
        {title}
      </Button>
      <Dialog title={title} open={open} onClose={close}>
        {children(close)}
      </Dialog>
    </>
  )
}

function Cancel({ deployment, onDone }: { deployment: Deployment; onDone: () => void }) {
  const { stage, busy, cancel } = useEscrow(deployment)
  const go = async () => {
    if (await cancel()) onDone()
  }
  return (
    <div className="space-y-3">
      <p className="text-sm">{t.deployment.cancelSure}</p>
      <Guard why={t.deployment.needWallet}>
        <Button kind="danger" disabled={busy} onClick={() => void go()}>
          {t.deployment.cancel}
        </Button>
      </Guard>
      <TxStage stage={stage} />
    </div>
  )
}
