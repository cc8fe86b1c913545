import { PageTitle } from '../parts/page-title.tsx';

export default function AccountPage() {
  return <PageTitle>Account</PageTitle>;
}
