"use client"

import { useEffect, useRef, type ReactNode } from "react"

import { t } from "@/texts/en"
import { Button } from "@/components/ui/button"

interface Props {
  title: string
  open: boolean
  onClose: () => void
  children: ReactNode
}

/** The browser's own modal dialog: focus stays in it, and Escape closes it. */
export function Dialog({ title, open, onClose, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = ref.current
    if (open && dialog && !dialog.open) dialog.showModal()
    if (!open) dialog?.close()
  }, [open])
  return (
    <dialog
      ref={ref}
      onClose={onClose}
      aria-label={title}
      className="bg-card text-ink border-line m-auto w-[min(30rem,calc(100vw-2rem))] rounded-lg border p-5"
    >
      <div className="mb-3 flex items-center justify-between gap-4">
        <h2 className="text-base font-semibold">{title}</h2>
        <Button onClick={onClose} aria-label={t.common.close}>
          ✕
        </Button>
      </div>
      {open && children}
    </dialog>
  )
}
