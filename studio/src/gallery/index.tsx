import { PageTitle } from '../parts/page-title.tsx';

export default function GalleryPage() {
  return <PageTitle>Gallery</PageTitle>;
}
