import { Camera } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Message } from '../parts/message.tsx';
import styles from './camera-dialog.module.css';

interface Props {
  onTaken(file: File): void;
  onClose(): void;
}

/** Takes a picture by the camera of the device, on a phone by that at its back. */
export default function CameraDialog({ onTaken, onClose }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [error, setError] = useState<string | null>(null);
  const [ready, setReady] = useState(false);

  useEffect(() => {
    let stream: MediaStream | undefined;
    let closed = false;
    const stop = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    async function start() {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      if (closed) stop();
      else if (video.current) video.current.srcObject = stream;
    }
    start().catch(({ message }: Error) => setError(message));
    return () => {
      closed = true;
      stop();
    };
  }, []);

  async function take() {
    const { current } = video;
    if (!current) return;
    const canvas = new OffscreenCanvas(current.videoWidth, current.videoHeight);
    canvas.getContext('2d')?.drawImage(current, 0, 0);
    onTaken(new File([await canvas.convertToBlob()], 'camera.png', { type: 'image/png' }));
    onClose();
  }

  return (
    <Dialog open onClose={onClose} title="Take a picture" size="wide">
      {error !== null ? (
        <Message title="The camera cannot be used" detail={error} tone="bad" />
      ) : (
        <>
          <video
            ref={video}
            className={styles.video}
            aria-label="What the camera sees"
            autoPlay
            muted
            playsInline
            onLoadedData={() => setReady(true)}
          />
          <div className={styles.actions}>
            <Button kind="primary" disabled={!ready} onClick={take}>
              <Camera size={18} aria-hidden /> Take it
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}
