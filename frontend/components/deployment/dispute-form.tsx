"use client"

import { useId, useState } from "react"
import { formatEther } from "viem"

import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { CONTROL } from "@/components/ui/field"
import { Notice } from "@/components/ui/notice"
import { Guard } from "@/components/wallet/guard"
import { useDisputeCosts, useEscrow } from "@/hooks/use-escrow"
import type { Deployment } from "@/lib/api"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

const MOST = 10_000

/** Take a run to court: what is wrong, what it takes, and then the wallet. */
export function DisputeForm({ deployment }: { deployment: Deployment }) {
  const runs = deployment.runs
  const [attempt, setAttempt] = useState(runs.at(-1)?.attempt ?? 1)
  const [why, setWhy] = useState("")
  const costs = useDisputeCosts().data
  const { stage, busy, dispute } = useEscrow(deployment)
  const id = useId()
  const run = runs.find((one) => one.attempt === attempt)
  const go = () => {
    if (!run) return
    const title = t.deployment.disputeTitle(attempt, deployment.name || deployment.job_id.slice(0, 12))
    void dispute({ attempt, provider: run.provider as `0x${string}`, title, description: why.trim() })
  }
  return (
    <div className="space-y-3">
      {runs.length > 1 && (
        <div>
          <label htmlFor={`${id}-run`} className="mb-1 block text-sm font-medium">
            {t.deployment.which}
          </label>
          <select
            id={`${id}-run`}
            className={CONTROL}
            value={attempt}
            onChange={(event) => setAttempt(Number(event.target.value))}
          >
            {runs.map((one) => (
              <option key={one.attempt} value={one.attempt}>
                {t.deployment.run(one.attempt)}
              </option>
            ))}
          </select>
        </div>
      )}
      <Why id={id} value={why} onChange={setWhy} />
      {costs && <Notice>{t.deployment.disputeBond(tokens(costs.bond), formatEther(costs.fee))}</Notice>}
      <p className="text-soft text-sm">{t.deployment.disputeWhat}</p>
      <Guard need={costs?.bond ?? 0n} why={t.deployment.needWallet}>
        <Button kind="danger" disabled={busy || why.trim() === "" || !run || !costs} onClick={go}>
          {t.deployment.dispute}
        </Button>
      </Guard>
      <TxStage stage={stage} />
    </div>
  )
}

export function Why({ id, value, onChange }: { id: string; value: string; onChange: (text: string) => void }) {
  return (
    <div>
      <label htmlFor={`${id}-why`} className="mb-1 block text-sm font-medium">
        {t.deployment.disputeWhy}
      </label>
      <textarea
        id={`${id}-why`}
        className={`${CONTROL} min-h-32`}
        maxLength={MOST}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  )
}
