"use client"

import { useState } from "react"

import { Document } from "@/components/evidence/document"
import { TxLink } from "@/components/tx-link"
import { Button } from "@/components/ui/button"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { useEvidence, type Dispute } from "@/hooks/use-dispute"
import { words } from "@/lib/errors"
import { newestOfEach, type EvidenceEvent } from "@/lib/evidence-log"
import { visible } from "@/lib/printable"
import { t } from "@/texts/en"

const MOST = 20 // documents of one party that are fetched without being asked for

/** What the parties have brought, one document after the other. */
export function EvidenceList({ id, dispute }: { id: number; dispute: Dispute }) {
  const [isAll, setAll] = useState(false)
  const found = useEvidence(id, dispute)
  const all = found.data?.events ?? []
  const shown = isAll ? all : newestOfEach(all, MOST)
  return (
    <div className="mt-3 space-y-4">
      <p className="text-soft text-sm">{t.juror.evidenceWarning}</p>
      {found.error && <Notice tone="bad">{words(found.error)}</Notice>}
      {!found.data && !found.error && <p className="text-soft text-sm">{t.common.loading}</p>}
      {found.data && all.length === 0 && <Notice>{t.juror.noEvidence}</Notice>}
      {shown.length < all.length && (
        <Notice>
          {t.juror.newestEvidence(MOST, all.length)} <Button onClick={() => setAll(true)}>{t.juror.allEvidence}</Button>
        </Notice>
      )}
      {shown.map((event) => (
        <Brought key={`${event.tx}/${event.index}`} event={event} dispute={dispute} />
      ))}
    </div>
  )
}

function Brought({ event, dispute }: { event: EvidenceEvent; dispute: Dispute }) {
  return (
    <article className="border-line space-y-2 border-t pt-3" data-evidence>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <span>{t.juror.by(partyOf(event.party, dispute))}</span>
        <CopyText text={event.party} />
        <CopyText text={visible(event.path)} />
        <TxLink hash={event.tx} />
      </p>
      <Document path={event.path} />
    </article>
  )
}

function partyOf(party: string, dispute: Dispute): string {
  const isThem = (one: string) => one.toLowerCase() === party.toLowerCase()
  if (isThem(dispute.consumer)) return t.juror.parties.consumer
  if (isThem(dispute.provider)) return t.juror.parties.provider
  return isThem(dispute.opener) ? t.juror.parties.opener : t.juror.parties.other
}
