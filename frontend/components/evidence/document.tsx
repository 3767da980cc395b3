"use client"

import { useQuery } from "@tanstack/react-query"
import { useMemo } from "react"

import { Button } from "@/components/ui/button"
import { Notice } from "@/components/ui/notice"
import { useMarket } from "@/hooks/market"
import { fetchContent } from "@/lib/content/car"
import { EVIDENCE_LIMITS } from "@/lib/content/unixfs"
import { download } from "@/lib/download"
import { words } from "@/lib/errors"
import { placeOf, shownOf } from "@/lib/evidence"
import { kib } from "@/lib/format"
import { visible } from "@/lib/printable"
import { t } from "@/texts/en"

/** What a party has brought: it is what its CID names, and nothing in it is anything but text. */
export function Document({ path }: { path: string }) {
  const { api } = useMarket()
  const place = placeOf(path)
  const content = useQuery({
    queryKey: ["evidence", place?.cid],
    enabled: place !== null,
    staleTime: Infinity, // its name is what it says
    retry: 1,
    queryFn: ({ signal }) => fetchContent(api, place?.cid ?? "", signal, EVIDENCE_LIMITS),
  })
  const files = content.data?.filter((file) => !place?.inner || file.path === place.inner)
  return (
    <div className="space-y-2" data-document>
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
    </div>
  )
}

/** A stranger's file, as text and nothing else. */
function File({ path, bytes }: { path: string; bytes: Uint8Array }) {
  const shown = useMemo(() => shownOf(bytes), [bytes])
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
