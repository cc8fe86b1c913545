import type { FileKind, WorkflowParameter } from '@comfygate/client';
import { Brush, Camera, FileUp, Images } from 'lucide-react';
import { type ComponentType, Suspense, useRef, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { useFieldControl } from '../parts/field.tsx';
import { lazily } from '../parts/lazily.ts';
import { Progress } from '../parts/progress.tsx';
import { ChosenFile } from './chosen-file.tsx';
import styles from './file-control.module.css';
import { ACCEPTED, isOfKind } from './files.ts';
import type { FileValue } from './form-model.ts';

const CameraDialog = lazily(() => import('./camera-dialog.tsx'));
const GalleryDialog = lazily(() => import('./gallery-dialog.tsx'));
const MaskDialog = lazily(() => import('./mask-dialog.tsx'));

interface Props {
  parameter: WorkflowParameter;
  values: readonly FileValue[];
  /** How many are being sent. */
  sending: number;
  /** The picture of the form that a mask can be painted on. */
  maskOf: FileValue | undefined;
  onChange(values: readonly FileValue[]): void;
  onFiles(files: readonly File[]): void;
}

type Open = 'camera' | 'gallery' | 'mask' | null;

const WORDS: Record<FileKind, string> = {
  IMAGE: 'a picture',
  MASK: 'a mask',
  AUDIO: 'a sound',
  VIDEO: 'a film',
};

const hasCamera = 'mediaDevices' in navigator;

/** Input files: dropped, pasted, chosen, taken by the camera, taken from results, or painted. */
export function FileControl({ parameter, values, sending, maskOf, onChange, onFiles }: Props) {
  const [open, setOpen] = useState<Open>(null);
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const control = useFieldControl();
  const kind = parameter.fileKind ?? 'IMAGE';
  const add = (value: FileValue) => onChange(parameter.list ? [...values, value] : [value]);
  const close = () => setOpen(null);
  const hasRoom = parameter.list || values.length === 0;

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one way of several; the others are controls.
    <div
      className={styles.control}
      data-over={over || undefined}
      // Pasting finds the field that has the focus by this.
      data-parameter={parameter.name}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        // Elsewhere on the page it may be a workflow; here it is an input.
        event.preventDefault();
        setOver(false);
        onFiles([...event.dataTransfer.files].filter((file) => isOfKind(kind, file)));
      }}
    >
      {values.map((value, i) => (
        <ChosenFile
          key={JSON.stringify(value)}
          value={value}
          onRemove={() => onChange(values.toSpliced(i, 1))}
          {...(kind === 'MASK' && maskOf !== undefined && { onPaint: () => setOpen('mask') })}
        />
      ))}
      {sending > 0 && <Progress label={`Sending ${parameter.title}`} fraction={null} />}
      <div className={styles.empty} hidden={!hasRoom || sending > 0}>
        <input
          {...control}
          ref={input}
          type="file"
          accept={ACCEPTED[kind]}
          multiple={parameter.list}
          className={styles.input}
          onChange={({ target }) => {
            onFiles([...(target.files ?? [])]);
            target.value = '';
          }}
        />
        <p className={styles.words}>
          {kind === 'MASK' && maskOf !== undefined ? 'Paint it, or drop ' : 'Drop or paste '}
          {WORDS[kind]}
        </p>
        <div className={styles.ways}>
          {kind === 'MASK' && (
            <Way Icon={Brush} name="Paint" disabled={maskOf === undefined} onClick={() => setOpen('mask')} />
          )}
          <Way Icon={FileUp} name="Choose" onClick={() => input.current?.click()} />
          <Way Icon={Images} name="Gallery" onClick={() => setOpen('gallery')} />
          {kind === 'IMAGE' && hasCamera && <Way Icon={Camera} name="Camera" onClick={() => setOpen('camera')} />}
        </div>
      </div>
      <Suspense>
        {open === 'camera' && <CameraDialog onTaken={(file) => onFiles([file])} onClose={close} />}
        {open === 'gallery' && <GalleryDialog kind={kind} onChosen={add} onClose={close} />}
        {open === 'mask' && maskOf !== undefined && (
          <MaskDialog picture={maskOf} onPainted={(file) => onFiles([file])} onClose={close} />
        )}
      </Suspense>
    </div>
  );
}

interface WayProps {
  Icon: ComponentType<{ size: number; 'aria-hidden': boolean }>;
  name: string;
  disabled?: boolean;
  onClick(): void;
}

function Way({ Icon, name, ...rest }: WayProps) {
  return (
    <Button small {...rest}>
      <Icon size={15} aria-hidden /> {name}
    </Button>
  );
}
