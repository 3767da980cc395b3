"use client"

import { Document } from "@/components/evidence/document"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { useEvidence, type Dispute, type EvidenceEvent } from "@/hooks/use-dispute"
import { words } from "@/lib/errors"
import { visible } from "@/lib/printable"
import { t } from "@/texts/en"

/** What the parties have brought, one document after the other. */
export function EvidenceList({ id, dispute }: { id: number; dispute: Dispute }) {
  const found = useEvidence(id, dispute)
  return (
    <div className="mt-3 space-y-4">
      <p className="text-soft text-sm">{t.juror.evidenceWarning}</p>
      {found.error && <Notice tone="bad">{words(found.error)}</Notice>}
      {!found.data && !found.error && <p className="text-soft text-sm">{t.common.loading}</p>}
      {found.data?.length === 0 && <Notice>{t.juror.noEvidence}</Notice>}
      {found.data?.map((event) => (
        <Brought key={event.key} event={event} dispute={dispute} />
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
