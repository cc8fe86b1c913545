/** What one workflow takes. */
export interface WorkflowInput {
  name: string;
  description: string | undefined;
  fields: InputField[];
}

export interface InputField {
  name: string;
  /** In TypeScript. */
  type: string;
  required: boolean;
  description: string | undefined;
}

/** The file that tells TypeScript what `comfy.textToImage()` and the like take. */
export function writeTypes(workflows: WorkflowInput[], source: string): string {
  const text = workflows.map(
    ({ name, description, fields }) =>
      `${comment(description, '    ')}    ${key(name)}: {\n${fields.map(fieldText).join('')}    };\n`,
  );
  const command = `npx @comfygate/client types ${source.replaceAll(/\s/g, ' ')}`;
  return `// Written by \`${command}\`: run it again when workflows change.
import type { CustomInput, FileInput } from '@comfygate/client';

declare module '@comfygate/client' {
  interface Workflows {
${text.join('')}    /** A graph of your own. */
    custom: CustomInput;
  }
}
`;
}

function fieldText({ name, type, required, description }: InputField): string {
  return `${comment(description, '      ')}      ${key(name)}${required ? '' : '?'}: ${type};\n`;
}

function comment(text: string | undefined, indent: string): string {
  return text ? `${indent}/** ${text.trim().replaceAll('*/', '*\\/').replaceAll(/\s+/g, ' ')} */\n` : '';
}

/** Names come from a gateway: none gets out of its place. */
const key = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));

/** Of texts, as TypeScript has them. */
export const unionOf = (values: string[]) => values.map((value) => JSON.stringify(value)).join(' | ') || 'never';

export const listOf = (type: string) => (/^\w+$/.test(type) ? `${type}[]` : `(${type})[]`);
