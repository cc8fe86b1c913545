import { PageTitle } from '../parts/page-title.tsx';

export default function ServersPage() {
  return <PageTitle>Servers</PageTitle>;
}
