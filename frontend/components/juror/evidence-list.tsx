"use client"

import { useQuery } from "@tanstack/react-query"

import { Button } from "@/components/ui/button"
import { CopyText } from "@/components/ui/copy-text"
import { Notice } from "@/components/ui/notice"
import { useMarket } from "@/hooks/market"
import { useEvidence, type Dispute, type EvidenceEvent } from "@/hooks/use-dispute"
import { fetchContent } from "@/lib/content/car"
import { download } from "@/lib/download"
import { words } from "@/lib/errors"
import { placeOf, shownOf, visible } from "@/lib/evidence"
import { kib } from "@/lib/format"
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
        <Document key={event.key} event={event} dispute={dispute} />
      ))}
    </div>
  )
}

function Document({ event, dispute }: { event: EvidenceEvent; dispute: Dispute }) {
  const { api } = useMarket()
  const place = placeOf(event.path)
  const content = useQuery({
    queryKey: ["content", place?.cid],
    enabled: place !== null,
    staleTime: Infinity, // its name is what it says
    retry: 1,
    queryFn: () => fetchContent(api, place?.cid ?? ""),
  })
  const files = content.data?.filter((file) => !place?.inner || file.path === place.inner)
  return (
    <article className="border-line space-y-2 border-t pt-3" data-evidence>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <span>{t.juror.by(partyOf(event.party, dispute))}</span>
        <CopyText text={event.party} />
        <CopyText text={visible(event.path)} />
      </p>
      {place === null && <Notice tone="warn">{t.juror.noPlace}</Notice>}
      {content.error && (
        <Notice tone="bad">
          {words(content.error)} <Button onClick={() => void content.refetch()}>{t.common.retry}</Button>
        </Notice>
      )}
      {place !== null && content.isPending && <p className="text-soft text-sm">{t.common.loading}</p>}
      {files?.length === 0 && <Notice tone="warn">{t.juror.noFile}</Notice>}
      {files?.map((file) => (
        <File key={file.path} path={file.path} bytes={file.bytes} />
      ))}
    </article>
  )
}

function partyOf(party: string, dispute: Dispute): string {
  const isThem = (one: string) => one.toLowerCase() === party.toLowerCase()
  if (isThem(dispute.consumer)) return t.juror.parties.consumer
  if (isThem(dispute.provider)) return t.juror.parties.provider
  return isThem(dispute.opener) ? t.juror.parties.opener : t.juror.parties.other
}

/** A stranger's file, as text and nothing else. */
function File({ path, bytes }: { path: string; bytes: Uint8Array }) {
  const shown = shownOf(bytes)
  const name = visible(path) || t.juror.document
  const save = () => download("evidence.bin", [new Uint8Array(bytes)], "application/octet-stream")
  return (
    <div className="space-y-2">
      {shown?.title && <h3 className="text-sm font-semibold [overflow-wrap:anywhere]">{shown.title}</h3>}
      {shown?.description && (
        <p className="text-sm [overflow-wrap:anywhere] whitespace-pre-wrap">{shown.description}</p>
      )}
      {shown ? (
        <pre
          tabIndex={0}
          role="region"
          aria-label={name}
          dir="ltr"
          className="bg-page border-line max-h-80 overflow-auto rounded-md border p-3 text-xs whitespace-pre-wrap [overflow-wrap:anywhere]"
        >
          {shown.text}
          {shown.isCut && "…"}
        </pre>
      ) : (
        <Notice>{t.juror.notText}</Notice>
      )}
      <p className="text-soft flex flex-wrap items-center gap-3 text-xs">
        <span className="[overflow-wrap:anywhere]">
          {name}, {kib(Math.ceil(bytes.byteLength / 1024))}
        </span>
        <button type="button" className="text-brand min-h-6 cursor-pointer underline" onClick={save}>
          {t.common.download}
        </button>
      </p>
    </div>
  )
}
