"use client"

import { useId, useState } from "react"

import { EvidenceList } from "@/components/evidence/evidence-list"
import { Why } from "@/components/deployment/dispute-form"
import { TxLink } from "@/components/tx-link"
import { TxStage } from "@/components/tx-stage"
import { Button } from "@/components/ui/button"
import { Card, Fact, Facts } from "@/components/ui/card"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { Guard } from "@/components/wallet/guard"
import { useMarket } from "@/hooks/market"
import { useDispute } from "@/hooks/use-dispute"
import { useEscrow } from "@/hooks/use-escrow"
import { useWallet } from "@/hooks/use-wallet"
import type { Deployment } from "@/lib/api"
import { disputesOf, type Dispute } from "@/lib/dispute"
import { words } from "@/lib/errors"
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
      <Evidence id={Number(one.id)} />
      {one.share === null && <MoreEvidence deployment={deployment} dispute={one} />}
    </Card>
  ))
}

/** As the chain has it: a scheduler leaves nothing out. */
function Evidence({ id }: { id: number }) {
  const { config } = useMarket()
  const dispute = useDispute(id, config.escrow)
  return (
    <>
      {dispute.error && <Notice tone="bad">{words(dispute.error)}</Notice>}
      {dispute.data && <EvidenceList id={id} dispute={dispute.data} />}
    </>
  )
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
