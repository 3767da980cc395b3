"use client"

import { Button } from "@/components/ui/button"
import { Notice } from "@/components/ui/notice"
import { words } from "@/lib/errors"
import { t } from "@/texts/en"

/** A page that fails says so; the header and all other pages go on. */
export default function Failed({ error, reset }: { error: Error; reset: () => void }) {
  return (
    <Notice tone="bad">
      {t.common.failed} {words(error)} <Button onClick={reset}>{t.common.retry}</Button>
    </Notice>
  )
}
