import { Brush, FileAudio, FileImage, FileVideo, X } from 'lucide-react';
import { IconButton } from '../parts/button.tsx';
import styles from './chosen-file.module.css';
import { type KnownFile, useKnownFile } from './files.ts';
import type { FileValue } from './form-model.ts';

interface Props {
  value: FileValue;
  onRemove(): void;
  /** Where a mask can be painted on, or anew. */
  onPaint?(): void;
}

/** A file that is chosen, as far as it can be seen. */
export function ChosenFile({ value, onRemove, onPaint }: Props) {
  const file = useKnownFile(value);
  return (
    <div className={styles.chosen}>
      <Sight {...file} />
      <span className={styles.name}>{file.name}</span>
      {onPaint && (
        <IconButton label="Paint it anew" data-hint-at="end" onClick={onPaint}>
          <Brush size={16} aria-hidden />
        </IconButton>
      )}
      <IconButton label={`Remove ${file.name}`} data-hint-at="end" onClick={onRemove}>
        <X size={16} aria-hidden />
      </IconButton>
    </div>
  );
}

function Sight({ name, type, url }: KnownFile) {
  const [family] = (type ?? '').split('/');
  if (url !== null && family === 'image') return <img src={url} alt={name} className={styles.picture} />;
  if (url !== null && family === 'video')
    return <video src={url} aria-label={name} className={styles.picture} muted loop autoPlay playsInline />;
  if (url !== null && family === 'audio')
    // biome-ignore lint/a11y/useMediaCaption: it is the caller's own.
    return <audio src={url} aria-label={name} controls className={styles.sound} />;
  const Icon = family === 'audio' ? FileAudio : family === 'video' ? FileVideo : FileImage;
  return (
    <span className={styles.unseen}>
      <Icon size={20} aria-hidden />
    </span>
  );
}
