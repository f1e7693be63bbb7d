import { onEveryStore } from '../support/persistence-under-test.ts'
import { attachmentsSuite } from './attachments.ts'
import { deadLettersSuite } from './dead-letters.ts'
import { drillReportsSuite } from './drill-reports.ts'
import { epochsSuite } from './epochs.ts'
import { journalSuite } from './journal.ts'
import { logOffsetsSuite } from './log-offsets.ts'
import { requeuedCallsSuite } from './requeued-calls.ts'
import { sessionRecordsSuite } from './session-records.ts'
import { toolSwitchesSuite } from './tool-switches.ts'

describe('persistence', () => {
  onEveryStore((stores) => {
    describe('journal', () => journalSuite(stores))
    describe('epochs', () => epochsSuite(stores))
    describe('log offsets', () => logOffsetsSuite(stores))
    describe('session records', () => sessionRecordsSuite(stores))
    describe('dead letters and quarantine', () => deadLettersSuite(stores))
    describe('attachments', () => attachmentsSuite(stores))
    describe('drill reports', () => drillReportsSuite(stores))
    describe('tool switches', () => toolSwitchesSuite(stores))
    describe('requeued calls', () => requeuedCallsSuite(stores))
  })
})
