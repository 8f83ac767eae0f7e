/** Findings as SARIF 2.1.0, which code hosts show beside the lines. */
import { VERSION } from '../version.js';
import { type Finding, RULES } from './finding.js';

/** The log of one run. `base` is the path of the plugin from where the log is read. */
export function toSarif(findings: readonly Finding[], base: string): object {
  const used = Object.entries(RULES).filter(([id]) => findings.some(({ rule }) => rule === id));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'plinth validate',
            semanticVersion: VERSION,
            rules: used.map(([id, text]) => ({ id, shortDescription: { text } })),
          },
        },
        results: findings.map(({ rule, severity, message, file, place, cure }) => ({
          ruleId: rule,
          level: severity,
          message: { text: cure === undefined ? message : `${message}. ${cure}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(base === '' ? file : `${base}/${file}`) },
                region: { startLine: place.line, startColumn: place.column },
              },
            },
          ],
        })),
      },
    ],
  };
}
