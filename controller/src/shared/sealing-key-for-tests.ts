import { constants, createDecipheriv, createPrivateKey, privateDecrypt } from 'node:crypto';

/** Made for these tests and used nowhere else: RSA 4096, as the Sealed Secrets controller makes it. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIFGzCCAwOgAwIBAgIUUvGYTtbaqRc8t8JqzeE4BFDL/dEwDQYJKoZIhvcNAQEL
BQAwHDEaMBgGA1UEAwwRc2VhbGluZyBmb3IgdGVzdHMwIBcNMjYxMTIzMTczMTU2
WhgPMjEyNjEwMzAxNzMxNTZaMBwxGjAYBgNVBAMMEXNlYWxpbmcgZm9yIHRlc3Rz
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAvkopufOhnFHLq1lDFz+f
m+SI5FiW4pIia6+A2Mi9PjhQR784twa+nD2hJKK/SIy3LZ4coramX0UfyocjCjrf
1Zl6QR/DX2bdZyueUHOvh2z7Z2PR4RTJ5NQkszbJqphfv8EaxVQ1TUgVt/XNjsRy
8ntGlG2yQ3qTkvfB7+b9ahn/xrFwtB4zSNR37OtwxCnEbpdiZYa7DAXaoD9jr3UD
ovy/Ok0S+oxlTcZqKVjM1DFgfrIN5UK+wx/ALo8exw3j+9NrbShL4jvlJEiPEBFM
Hz883UDw7Ci779ENVYu00xi0Obu4MG6RZT+CRma8uZLt4WN6s1sCM6d8PsPefh2I
MHcL5blk5x6OpchUPV1ZOFwk0/BV/7AjKm2iwQnXahpZoAYNdUR0iTX3LsTIel72
iawVFdU0x/dsQR07mqnVvR/JKFP9VwKlhqdpxZDtLBoCrvl9y4HFDNVlKWAVBgb+
HsYjFY8/dFE+H70M0ksTHe5/bE5A5Ds6TeovwMCr6/9vqsweTV/Mjh91BpToXKo1
GuCjLutD/whE9BfHf6Wciut/4peV1P1AtJccZQwGcmpJvWtKrCy5h95/BNe3sO80
zUnn1CaE7x6G83dquQHDOXnlMzYXy8tmbyACaSya3bfBfO3NjfSLGuuahNCBprsE
dPC8YFYH61PTP5azZHAmn+0CAwEAAaNTMFEwHQYDVR0OBBYEFM4F0sdD0l8dOMoU
Y9gZAfFDNA3iMB8GA1UdIwQYMBaAFM4F0sdD0l8dOMoUY9gZAfFDNA3iMA8GA1Ud
EwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggIBAISfmp7hdi3UDEoZOVaxsOQl
UungumXwRjQB9kzymX1iwh11IM0NPvSpMTFBy2h5fDg9HIuSVcbBdNfbhG9d/e2J
k79yUx7h+2qArrlb4jGdKj4RlDhDfQKHI8E/F5lgX/yZKhsL6uAa+/UMBaRZPbKR
P5UouzpFfPVqozWQ5wCHz1X24rp28colXn8TM8KeINiWHdsopStiJrpMqNo1L7Zl
8GiRUxvigS17zACH5PI3N2Cw3bYXNJOX+SYsVP0kvpAojpxYWwBxqHUlFVRxbNGE
hbc166aQhocTxu+fMs3PGCPrTHwxZ5aScFsKvBS48fmdNLlPoQxZYcRoQAS5WKWI
cqV3f9kaDIBg3t7y6YP+RAvCs4q8QOi6j5jq00dVeiRq0pcD3WYTIbLEcHUoZQAd
CHXpUh2bbYM3RtwiaMyC3wjwHajcz5ZOupdSadP8JzXV8LI7G6R6RW+tBwt2mGji
jcjI2W98JOluk5ysOQaLCGbFazttVymhCwh7tOJnKAoO2hKSdIX1inu0Bu6VbT8/
C4gE1Ou95knAEG1KKIaJRwMm57QGKZ+a1o5kOw5Hg3ScvfV22YCJJ36+UC8eu37I
fNXufMLHY5tVOpi7XYzPviRVh+8uTKILUW8S0/xz/Q59Z3D5bD8OMAl/ZzfGYMfH
qiQWjYtvyyGqojqE7eCu
-----END CERTIFICATE-----
`;

const privateKey = createPrivateKey({
  format: 'der',
  type: 'pkcs8',
  key: Buffer.from(
    [
      'MIIJQgIBADANBgkqhkiG9w0BAQEFAASCCSwwggkoAgEAAoICAQC+Sim586GcUcurWUMXP5+b5IjkWJbikiJrr4DYyL0+OFBHvzi3',
      'Br6cPaEkor9IjLctnhyitqZfRR/KhyMKOt/VmXpBH8NfZt1nK55Qc6+HbPtnY9HhFMnk1CSzNsmqmF+/wRrFVDVNSBW39c2OxHLy',
      'e0aUbbJDepOS98Hv5v1qGf/GsXC0HjNI1Hfs63DEKcRul2JlhrsMBdqgP2OvdQOi/L86TRL6jGVNxmopWMzUMWB+sg3lQr7DH8Au',
      'jx7HDeP702ttKEviO+UkSI8QEUwfPzzdQPDsKLvv0Q1Vi7TTGLQ5u7gwbpFlP4JGZry5ku3hY3qzWwIzp3w+w95+HYgwdwvluWTn',
      'Ho6lyFQ9XVk4XCTT8FX/sCMqbaLBCddqGlmgBg11RHSJNfcuxMh6XvaJrBUV1TTH92xBHTuaqdW9H8koU/1XAqWGp2nFkO0sGgKu',
      '+X3LgcUM1WUpYBUGBv4exiMVjz90UT4fvQzSSxMd7n9sTkDkOzpN6i/AwKvr/2+qzB5NX8yOH3UGlOhcqjUa4KMu60P/CET0F8d/',
      'pZyK63/il5XU/UC0lxxlDAZyakm9a0qsLLmH3n8E17ew7zTNSefUJoTvHobzd2q5AcM5eeUzNhfLy2ZvIAJpLJrdt8F87c2N9Isa',
      '65qE0IGmuwR08LxgVgfrU9M/lrNkcCaf7QIDAQABAoICAAa99fCCs00okMDHbtsaA/uwAzGj+eSZLOMH2tbTdfEIab/BBK9na8V5',
      'YYY8xe46HhtdqMITGp3xgwjX9OPd5iRZRb2c9H0i1eFb6EYNc0CnGdk17i+9XtHeulYnMMn8kBfpLZukOic80Jgt+1R9nVz+BSgp',
      'ItHFPAlPAe4QDxZ9SVSu4MFg+IwyCvW3+czZdf49Gt1iAqqQYoie9lc3HCPgNJ5KMMvzwXsZ9pT0cn1qKnMSt+9RiBS9wT9lDsAa',
      'u+MmQH4jmVywppO8hmUZV8sboHpuXJrhbpc2nvRS+Nsp2ujYv9PndvtRXrpD1Zf1nrwHnEdSiCdwXbSTmAR742FUg3UkyJ31JN7k',
      'HqvQy2gvDqYoc5e6epZexspZi3W1+6z+r3LN2JmD15zCruJuWeeUzO/U5SgruYZOa2fAe3XN6QQcIYhaFocyfLiuCbPPmZoel3IX',
      '3W8Zp302xR5yyv+is0LJTflQACn3yyPGvJUtYk3Lsw7b3oxuzdzAEBjFuM2/8u6DAjroqaMn9eSVR/kKNfWBdY3532Ma+QaIKsTt',
      'aF0R4Vma9JNUo2GuYBfeI88JPnw9AkvFexxMUSVeTP/j4aIcoOG+oVakeJsc4c0eww+etdKOv+vtWowoihZM9Puxy9DKWFBc+pTO',
      'T6BClS/69yEm71FaSLRVx3l81AmBAoIBAQDwwQZHSEyhSRwTv6SU7Qd54k7+W8p1sshrLaWzATcjPoe501C7AD66hcww9DFC3371',
      'Xnb368iG51EvCmrYUJfpnFr67vcMxSz2B4KtVKC1fHYzFE5/NNdNpmCEymxOpFB+gj3KE+K8gbdFS34LekOJJejDbQfZb+eTDQJm',
      'uPRoDWf6gFtaiTPj/Znl85XmJjjJ5aPJrCs3Se40eNOv4bCLbdHFAZnwAr5MpsLoU4zzlIrj+zX/0tJ5r80DjsMJIInIFc/iE54A',
      'pfSRSsTCPuGi4jnV2+cr6wwrcjnqfCF5rnaDBEOSsFnPghA9612l9oSie1SvlwzU2q44toOjHR1dAoIBAQDKVwnBTCZP+lf72Z7L',
      'mGdLyY0z7ynBISFAuxn6sFrv5aBOYhwD5bK60o8V9o+Iie34leq8Gen0MOxomee6O+hsU9QOkRPuD9YpyRsdi407y+45j48qvxGw',
      'eQLRxfImcOk2xYCcS0CpFGQP/46xxrn8cvYzotkxWJazfhRavNpI7scJG5RQl5enOwcT1E2VB8qyFRzyEZr9l3hJmsx2W7JyAluL',
      'iCjv5Uoq2XwFEwHh6ADM0g3vUqrVm6VCeJB3ye8t3NJn1WHtsMlWqZd5aFblUvkuPfVRX074QmbswnlQ5U9RCrbZrzzjUrDkH9By',
      'Koqjdw4RjUgov9TJZF+OBtPRAoIBAQDu7aFdfNMP/Y5vyvF7GwEgZQggRthWlmdwdozLaZle0N/B+4VTEJswYTiUHMQGqedFe8p1',
      'oPoRZ9+Z36zJoLIilZl1D1L+yXAleq6ldidH9Y0YhD6i374MweFn57w1D70S0A6iTbnnepR3oMQmf+AmbAjkaYAwum4H8hFAAK4N',
      '1cArStdesmtdCIGDRIqvLZ+OPuidbNA2vpg4WvE6y7B5rzNPYJd1KkPRrm4gQ0rPMcvlFZoxmPho6596uGO22yPh/kOhCfb0jb55',
      'ssoyPFWRYRIku2hgnZQmSeZQX4CZUhsrS0AEhB+dYGbeDIeT/WMEHYGeAToqxBvDDN73Mh3BAoIBACZIsZ/ROK6JP3x3gIQlIeZF',
      'DGJ3Lf9MtW35+MBl/c7GM76g8YwLOfX/QPN241GCR3RxaSiN/qYlW5WvCRlDnIZilgzrhknU1UCyvF6quN5Hh5t8fiooXMB3JQFr',
      '4pVDZ9zlIaBw3JshMI2WXPlmEGqjldHPTij4CguMH23LrcF+7Enc3gMhq6AImx41XTiFcOSg+gkTK7AvqKLEl0sNroXDzG5qJNS/',
      'HXleDQkov4Ju0zftxpUxnwEroekhxrPjkU2sKmNbDFxcxruO+woNo+Nf/6WwM2piDh8K8U56vVmBCbDbxh0J+wtH6hA/tMDlK7Yi',
      'IJdRlAWhxjEUvL+yqwECggEAaI3giDCxWZQcUOqPQVZaPAEypqR1rGTHdlAlm5fzN9kUT+0ctEJRcMoTcYNXQAu4fX4brLxudulb',
      's8VsZ6a487RmrCyPThG0qePU6ySjOj0E6Nu8m3KRdALgvgs1IpBVFNYTySsyQjWWT/SOeHiP7/lgdl3mWhoQTgpJASDcr1U7vFqI',
      'd3/MxJYoo8HIS42R86MUitzsZ3Z7jEiLia1xJpsxHVnO4PVcpMZORcCVXd7eMIVcR4JJgRkWQM1LGLWjWRS29Q6uOA+AzsSsEJLe',
      'CFTO26+3+8bqwkIXYi59+xCFajssMcZ9Yw3Jxiuq4Gxl7MTsqkhhEXMy0w4ewDoPAw==',
    ].join(''),
    'base64',
  ),
});

/** What the Sealed Secrets controller does with a value of namespace-wide scope. Throws for another namespace. */
export function unseal(sealed: string, namespace: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const end = 2 + bytes.readUInt16BE(0);
  const key = privateDecrypt(
    {
      key: privateKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from(namespace, 'utf8'),
    },
    bytes.subarray(2, end),
  );
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(end, -16)), decipher.final()]).toString('utf8');
}
