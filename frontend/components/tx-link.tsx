import Link from "next/link"

import { CopyText } from "@/components/ui/copy-text"
import { short } from "@/lib/format"
import { t } from "@/texts/en"

/** A transaction's hash: it leads to our own page about it, since no market has to have an explorer. */
export function TxLink({ hash }: { hash: string }) {
  return (
    <span className="inline-flex items-center gap-1">
      <Link
        href={`/tx/${hash}`}
        className="text-brand font-mono text-[13px] underline underline-offset-2"
        title={`${t.tx.view} ${hash}`}
      >
        {short(hash)}
      </Link>
      <CopyText text={hash} bare />
    </span>
  )
}
