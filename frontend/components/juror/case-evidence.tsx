"use client"

import { Document } from "@/components/evidence/document"
import { EvidenceList } from "@/components/evidence/evidence-list"
import { Notice } from "@/components/ui/notice"
import { useMetaEvidence, type Dispute } from "@/hooks/use-dispute"
import { words } from "@/lib/errors"
import { t } from "@/texts/en"

/** By what a case is to be judged, where the market has said it, and what the parties say. */
export function CaseEvidence({ id, dispute }: { id: number; dispute: Dispute }) {
  const rules = useMetaEvidence()
  return (
    <>
      {rules.error && <Notice tone="bad">{words(rules.error)}</Notice>}
      {rules.data && (
        <section className="mt-3 space-y-2" data-rules>
          <h3 className="text-sm font-semibold">{t.juror.rules}</h3>
          <p className="text-soft text-sm">{t.juror.rulesWhy}</p>
          <Document path={rules.data} />
        </section>
      )}
      <EvidenceList id={id} dispute={dispute} />
    </>
  )
}
