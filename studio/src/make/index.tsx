import { PageTitle } from '../parts/page-title.tsx';

export default function MakePage() {
  return <PageTitle>Make</PageTitle>;
}
