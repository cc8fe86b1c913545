import { useEffect, useRef, useState } from 'react';

/** Files that are dropped or pasted anywhere on the page, where no field takes them. True while some hover over it. */
export function useDroppedFiles(onDropped: (files: File[]) => void, onPasted: (files: File[]) => void): boolean {
  const [hovering, setHovering] = useState(false);
  const latest = useRef({ onDropped, onPasted });
  useEffect(() => {
    latest.current = { onDropped, onPasted };
  });

  useEffect(() => {
    const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false;
    function over(event: DragEvent) {
      if (!hasFiles(event)) return;
      // Without it the browser would leave the page for the file.
      event.preventDefault();
      setHovering(true);
    }
    const leave = ({ relatedTarget }: DragEvent) => relatedTarget === null && setHovering(false);
    function drop(event: DragEvent) {
      setHovering(false);
      // A field has taken it.
      if (event.defaultPrevented || !hasFiles(event)) return;
      event.preventDefault();
      latest.current.onDropped([...(event.dataTransfer?.files ?? [])]);
    }
    function paste({ clipboardData }: ClipboardEvent) {
      const files = [...(clipboardData?.files ?? [])];
      if (files.length > 0) latest.current.onPasted(files);
    }
    document.addEventListener('dragover', over);
    document.addEventListener('dragleave', leave);
    document.addEventListener('drop', drop);
    document.addEventListener('paste', paste);
    return () => {
      document.removeEventListener('dragover', over);
      document.removeEventListener('dragleave', leave);
      document.removeEventListener('drop', drop);
      document.removeEventListener('paste', paste);
    };
  }, []);
  return hovering;
}
