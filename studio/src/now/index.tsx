import { PageTitle } from '../parts/page-title.tsx';

export default function NowPage() {
  return <PageTitle>Now</PageTitle>;
}
