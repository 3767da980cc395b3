"use client"

import { useId, useState } from "react"

import { Button } from "@/components/ui/button"
import { Card } from "@/components/ui/card"
import { CONTROL, Field } from "@/components/ui/field"
import { Notice } from "@/components/ui/notice"
import type { Manifest } from "@/lib/api"
import { keyOf, setKey } from "@/lib/bundle/manifest"
import { t } from "@/texts/en"

interface Props {
  text: string
  /** As the scheduler read it, defaults and all; null before that. */
  read: Manifest | null
  fault: string
  checking: boolean
  onChange: (text: string) => void
}

const FIELDS: { path: string[]; label: string; hint?: string }[] = [
  { path: ["name"], label: "Name" },
  { path: ["command"], label: "Command", hint: "As a shell line; the image's own when empty" },
  { path: ["resources", "cpus"], label: "CPUs", hint: "1" },
  { path: ["resources", "memory"], label: "Memory", hint: "256M" },
  { path: ["resources", "disk"], label: "Disk", hint: "64M" },
  { path: ["resources", "egress"], label: "Network, a second", hint: "0 is no network; 1M" },
  { path: ["duration"], label: "May run for", hint: "10m" },
  { path: ["claim_within"], label: "Claimed within", hint: "else the deposit comes back" },
  { path: ["market", "cpu_hour"], label: "At most, per core-hour" },
  { path: ["market", "memory_gib_hour"], label: "At most, per GiB-hour" },
]

/** The manifest as a form, and as the file that it is. Both are one text. */
export function ManifestForm({ text, read, fault, checking, onChange }: Props) {
  const [asFile, setAsFile] = useState(false)
  const id = useId()
  return (
    <Card
      title={t.post.manifest}
      actions={
        <div className="flex gap-2">
          <Button aria-pressed={!asFile} onClick={() => setAsFile(false)}>
            {t.post.form}
          </Button>
          <Button aria-pressed={asFile} onClick={() => setAsFile(true)}>
            {t.post.yaml}
          </Button>
        </div>
      }
    >
      {asFile ? (
        <>
          <label htmlFor={id} className="sr-only">
            {t.post.yaml}
          </label>
          <textarea
            id={id}
            className={`${CONTROL} min-h-80 font-mono`}
            spellCheck={false}
            value={text}
            onChange={(event) => onChange(event.target.value)}
          />
        </>
      ) : (
        <div className="grid gap-3 sm:grid-cols-2">
          {FIELDS.map(({ path, label, hint }) => (
            <Field
              key={path.join(".")}
              label={label}
              hint={hint}
              value={keyOf(text, path)}
              placeholder={shown(read, path)}
              onChange={(event) => onChange(setKey(text, path, event.target.value))}
            />
          ))}
        </div>
      )}
      <div className="mt-3" aria-live="polite">
        {fault ? (
          <Notice tone="bad">{fault}</Notice>
        ) : (
          checking && <p className="text-soft text-sm">{t.post.checking}</p>
        )}
      </div>
    </Card>
  )
}

/** What holds where nothing is said. */
function shown(read: Manifest | null, path: string[]): string {
  let value: unknown = read
  for (const key of path)
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined
  return typeof value === "string" || typeof value === "number" ? String(value) : ""
}
