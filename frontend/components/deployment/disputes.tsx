"use client"

import { useId, useState } from "react"

import { Document } from "@/components/evidence/document"
import { Why } from "@/components/deployment/dispute-form"
import { TxLink } from "@/components/tx-link"
import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Card, Fact, Facts } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import { Guard } from "@/components/wallet/guard"
import { useEscrow } from "@/hooks/use-escrow"
import { useWallet } from "@/hooks/use-wallet"
import type { Deployment } from "@/lib/api"
import { disputesOf, type Dispute } from "@/lib/dispute"
import { at } from "@/lib/format"
import { tokens } from "@/lib/money"
import { t } from "@/texts/en"

/** A deployment's disputes: who says what, and what the court said. */
export function Disputes({ deployment }: { deployment: Deployment }) {
  const disputes = disputesOf(deployment)
  return disputes.map((one) => (
    <Card key={one.id} title={t.dispute.title(one.id, one.attempt)}>
      <Facts>
        <Fact name={t.dispute.opener}>
          <CopyText text={one.opener} /> <TxLink hash={one.opened.tx_hash} />
        </Fact>
        <Fact name={t.dispute.frozen}>{tokens(one.frozen)}</Fact>
        <Fact name={t.dispute.ruling}>
          {one.share === null ? t.dispute.waiting : t.dispute.ruled(one.share / 100)}{" "}
          {one.ruled && (
            <>
              {t.dispute.parted(
                tokens(one.ruled.data["to_provider"] ?? "0"),
                tokens(one.ruled.data["to_consumer"] ?? "0"),
              )}{" "}
              <TxLink hash={one.ruled.tx_hash} />
            </>
          )}
        </Fact>
      </Facts>
      <h3 className="mt-4 mb-2 text-sm font-semibold">{t.juror.evidence}</h3>
      <p className="text-soft mb-3 text-sm">{t.juror.evidenceWarning}</p>
      <ol className="space-y-3">
        {one.evidence.map(({ path, party, told }) => (
          <li key={told.tx_hash + path} className="border-line rounded-md border p-3 text-sm">
            <div className="text-soft mb-2 flex flex-wrap gap-x-3 text-xs">
              <CopyText text={party} /> <time>{at(told.at * 1000)}</time> <TxLink hash={told.tx_hash} />
            </div>
            <Document path={path} />
          </li>
        ))}
      </ol>
      {one.share === null && <MoreEvidence deployment={deployment} dispute={one} />}
    </Card>
  ))
}

function MoreEvidence({ deployment, dispute }: { deployment: Deployment; dispute: Dispute }) {
  const { address } = useWallet()
  const { stage, busy, addEvidence } = useEscrow(deployment)
  const [why, setWhy] = useState("")
  const id = useId()
  const me = address?.toLowerCase()
  const isParty = [deployment.consumer, dispute.provider, dispute.opener].some((one) => one.toLowerCase() === me)
  if (!isParty) return null
  const go = async () => {
    const { attempt, provider } = dispute
    const title = t.deployment.disputeTitle(attempt, deployment.name || deployment.job_id.slice(0, 12))
    const what = { attempt, provider: provider as `0x${string}`, title, description: why.trim() }
    if (await addEvidence(BigInt(dispute.id), what)) setWhy("")
  }
  return (
    <details className="mt-4">
      <summary className="cursor-pointer text-sm font-medium">{t.dispute.add}</summary>
      <div className="mt-3 space-y-3">
        <Why id={id} value={why} onChange={setWhy} />
        <Guard why={t.post.needWallet}>
          <Button disabled={busy || why.trim() === ""} onClick={() => void go()}>
            {t.dispute.add}
          </Button>
        </Guard>
        <TxStage stage={stage} />
      </div>
    </details>
  )
}
