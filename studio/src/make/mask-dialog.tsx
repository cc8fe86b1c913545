import { Brush, Eraser, FlipHorizontal2, PaintBucket, Redo2, Trash2, Undo2 } from 'lucide-react';
import { type ComponentType, useState } from 'react';
import { Button, IconButton } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import { Slider } from '../parts/slider.tsx';
import { useTell } from '../parts/toasts.tsx';
import { coverage, drawAll } from './draw.ts';
import { useKnownFile } from './files.ts';
import type { FileValue } from './form-model.ts';
import styles from './mask-dialog.module.css';
import { maskPng } from './mask-png.ts';
import { MaskSurface } from './mask-surface.tsx';
import { BLANK, redo, type Stroke, undo, withStroke } from './strokes.ts';

interface Props {
  picture: FileValue;
  onPainted(file: File): void;
  onClose(): void;
}

/** Of the longer side of the picture, in percent. */
const BRUSH = { least: 1, most: 40, first: 8 };

/** Paints a mask on a picture. */
export default function MaskDialog({ picture, onPainted, onClose }: Props) {
  const { url, name } = useKnownFile(picture);
  const [painting, setPainting] = useState(BLANK);
  const [tool, setTool] = useState<'paint' | 'erase'>('paint');
  const [brush, setBrush] = useState(BRUSH.first);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const tell = useTell();
  const add = (stroke: Stroke) => setPainting((before) => withStroke(before, stroke));

  async function take() {
    if (!size) return;
    const context = new OffscreenCanvas(size.width, size.height).getContext('2d');
    if (!context) return tell('This browser cannot draw', { bad: true });
    drawAll(context, painting.done, '#fff');
    const png = await maskPng(coverage(context), size.width, size.height);
    onPainted(new File([png], 'mask.png', { type: png.type }));
    onClose();
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title="Paint the mask"
      description="What you cover is painted anew; all else stays."
      size="wide"
    >
      {url === null ? (
        <Message title="The picture cannot be seen here" detail="Choose it once more, then paint on it." />
      ) : (
        <>
          <div className={styles.tools} role="toolbar" aria-label="Tools">
            <Tool Icon={Brush} name="Brush" pressed={tool === 'paint'} onClick={() => setTool('paint')} />
            <Tool Icon={Eraser} name="Eraser" pressed={tool === 'erase'} onClick={() => setTool('erase')} />
            <span className={styles.size}>
              <Slider
                label="Size of the brush"
                value={brush}
                min={BRUSH.least}
                max={BRUSH.most}
                step={1}
                onChange={setBrush}
              />
            </span>
            <Tool Icon={Undo2} name="Undo" disabled={!painting.done.length} onClick={() => setPainting(undo)} />
            <Tool Icon={Redo2} name="Redo" disabled={!painting.undone.length} onClick={() => setPainting(redo)} />
            <Tool Icon={PaintBucket} name="Cover all" onClick={() => add({ kind: 'fill' })} />
            <Tool Icon={FlipHorizontal2} name="Invert" onClick={() => add({ kind: 'invert' })} />
            <Tool Icon={Trash2} name="Clear" onClick={() => add({ kind: 'clear' })} />
          </div>
          <MaskSurface
            src={url}
            name={name}
            tool={tool}
            brushShare={brush / 100}
            strokes={painting.done}
            size={size}
            onSize={setSize}
            onStroke={add}
            onUndo={() => setPainting(undo)}
            onBrush={(by) => setBrush((was) => Math.min(BRUSH.most, Math.max(BRUSH.least, was + by)))}
          />
          <div className={styles.actions}>
            <Button onClick={onClose}>Cancel</Button>
            <Button kind="primary" disabled={!size || painting.done.length === 0} onClick={take}>
              Use this mask
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

interface ToolProps {
  Icon: ComponentType<{ size: number; 'aria-hidden': boolean }>;
  name: string;
  pressed?: boolean;
  disabled?: boolean;
  onClick(): void;
}

function Tool({ Icon, name, pressed, ...rest }: ToolProps) {
  return (
    <IconButton label={name} aria-pressed={pressed} {...rest}>
      <Icon size={18} aria-hidden />
    </IconButton>
  );
}
