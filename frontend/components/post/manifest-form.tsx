"use client"

import { useId, useState } from "react"

import { Button } from "@/components/ui/button"
import { Card } from "@/components/ui/card"
import { CONTROL, Field } from "@/components/ui/field"
import { Notice } from "@/components/ui/notice"
import type { Manifest } from "@/lib/api"
import { faultOf, keyOf, setKey } from "@/lib/bundle/manifest"
import { t } from "@/texts/en"

interface Props {
  text: string
  /** As the scheduler read it, defaults and all; null before that. */
  read: Manifest | null
  fault: string
  checking: boolean
  onChange: (text: string) => void
}

const FIELDS = [
  { path: ["name"], told: t.post.fields.name },
  { path: ["command"], told: t.post.fields.command },
  { path: ["resources", "cpus"], told: t.post.fields.cpus },
  { path: ["resources", "memory"], told: t.post.fields.memory },
  { path: ["resources", "disk"], told: t.post.fields.disk },
  { path: ["resources", "egress"], told: t.post.fields.egress },
  { path: ["duration"], told: t.post.fields.duration },
  { path: ["claim_within"], told: t.post.fields.claimWithin },
  { path: ["market", "cpu_hour"], told: t.post.fields.cpuHour },
  { path: ["market", "memory_gib_hour"], told: t.post.fields.memoryGibHour },
  { path: ["results"], told: t.post.fields.results },
] as const

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
          {FIELDS.map(({ path, told: { label, hint } }) => (
            <Field
              key={path.join(".")}
              label={label}
              hint={hint}
              fault={faultOf(fault, [...path]) || undefined}
              value={keyOf(text, [...path])}
              placeholder={shown(read, [...path])}
              onChange={(event) => onChange(setKey(text, [...path], event.target.value))}
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
